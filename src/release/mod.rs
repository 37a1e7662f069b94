//! The pins: which releases exist, where they come from, what their bytes must hash to (pure).
