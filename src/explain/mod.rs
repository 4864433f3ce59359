//! What the page shows of a network's inside: what a block makes of a picture, and what ReLU destroys.

mod feature_maps;
mod manifold;

pub use feature_maps::feature_maps;
pub use manifold::Manifold;
