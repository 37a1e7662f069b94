//! Makes what a plan says: finished layers, rendered files, documents, and the folder of every node.

pub mod delivery;
pub mod documents;
pub mod foreseen;
pub mod known_problems;
pub mod layers;
pub mod node_layer;
pub mod obstacles;
pub mod once;
pub mod password;
pub mod publish;
