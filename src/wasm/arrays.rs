//! Typed arrays as views with a shape, without a copy, and arrays as typed arrays.

use js_sys::{Float32Array, Uint32Array};
use ndarray::{Array, ArrayView, ArrayView2, ArrayView4, Dimension};

use crate::error::{Error, Result};

/// `count` square images of RGB bytes, (N, S, S, 3); the number of bytes determines S.
pub(super) fn images(bytes: &[u8], count: usize) -> Result<ArrayView4<'_, u8>> {
    let size = (bytes.len() / 3 / count.max(1)).isqrt();
    let whole = ArrayView::from_shape((count, size, size, 3), bytes).ok();
    whole.filter(|images| images.len() == bytes.len()).ok_or_else(|| {
        let expected = format!("[{count}, S, S, 3]");
        Error::Shape { what: "images", expected, found: format!("[{}]", bytes.len()) }
    })
}

/// The features of `count` images, (N, C).
pub(super) fn features(values: &[f32], count: usize) -> Result<ArrayView2<'_, f32>> {
    let whole = ArrayView::from_shape((count, values.len() / count.max(1)), values).ok();
    whole.filter(|features| features.len() == values.len()).ok_or_else(|| {
        let expected = format!("[{count}, C]");
        Error::Shape { what: "features", expected, found: format!("[{}]", values.len()) }
    })
}

/// The values in row-major order.
pub(super) fn float32_array<D: Dimension>(values: &Array<f32, D>) -> Float32Array {
    values.as_slice().expect("an array of our own is contiguous").into()
}

/// The values in row-major order.
pub(super) fn uint32_array<D: Dimension>(values: &Array<u32, D>) -> Uint32Array {
    values.as_slice().expect("an array of our own is contiguous").into()
}
