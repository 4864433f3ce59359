//! What the page shows of a network's inside: a block's feature maps, and what ReLU destroys.

mod feature_maps;
mod manifold;

pub use feature_maps::feature_maps;
pub use manifold::Manifold;
