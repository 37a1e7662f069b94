//! What an overlays/NAME/component.yaml declares (pure).
