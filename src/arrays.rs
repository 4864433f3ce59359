//! Checks of array shapes where they enter the crate. Below that, kernels take slices.

use ndarray::{ArrayView, ArrayView1, ArrayView4, Dimension};

use crate::error::{Error, Result};

/// Number and size of square RGB images, (N, S, S, 3). `size` is the size that the network expects, if any.
///
/// # Errors
/// [`Error::Shape`] if they are not square, have no pixels, or another size or number of channels.
pub(crate) fn image_shape<A>(images: &ArrayView4<A>, size: Option<usize>) -> Result<(usize, usize)> {
    let (count, height, width, channels) = images.dim();
    if count == 0 || (channels == 3 && height == width && height == size.unwrap_or(height.max(1))) {
        return Ok((count, height));
    }
    let size = size.map_or("S".into(), |size| size.to_string());
    let expected = format!("[N, {size}, {size}, 3]");
    Err(Error::Shape { what: "images", expected, found: format!("{:?}", images.shape()) })
}

/// Checks `labels`, (N), for `images` images.
///
/// # Errors
/// [`Error::Shape`] if labels and images differ in number, [`Error::Argument`] if a label is not a class.
pub(crate) fn check_labels(labels: &ArrayView1<u32>, images: usize, classes: usize) -> Result<()> {
    if labels.len() != images {
        let (expected, found) = (format!("[{images}]"), format!("{:?}", labels.shape()));
        return Err(Error::Shape { what: "labels", expected, found });
    }
    match labels.iter().find(|label| **label as usize >= classes) {
        Some(label) => Err(Error::Argument(format!("label {label} is not one of {classes} classes"))),
        None => Ok(()),
    }
}

/// The values of an array in row-major order.
///
/// # Errors
/// [`Error::Argument`] if it has another layout, as a transposed view does; the caller has to copy it then.
pub(crate) fn values<'a, A, D: Dimension>(what: &str, array: &'a ArrayView<A, D>) -> Result<&'a [A]> {
    array.as_slice().ok_or_else(|| {
        Error::Argument(format!(
            "{what} must be in row-major order: copy the array with `as_standard_layout`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, aview1};

    use super::*;

    #[test]
    fn a_wrong_shape_names_both() {
        let message = |shape: [usize; 4], size| {
            let images = Array::<u8, _>::zeros(shape);
            image_shape(&images.view(), size).unwrap_err().to_string()
        };
        let expected = "images have the shape [2, 8, 9, 3]; expected [N, S, S, 3]";
        assert_eq!(message([2, 8, 9, 3], None), expected);
        assert_eq!(message([2, 0, 0, 3], None), "images have the shape [2, 0, 0, 3]; expected [N, S, S, 3]");
        let expected = "images have the shape [1, 8, 8, 3]; expected [N, 32, 32, 3]";
        assert_eq!(message([1, 8, 8, 3], Some(32)), expected);
        assert_eq!(message([1, 3, 8, 8], None), "images have the shape [1, 3, 8, 8]; expected [N, S, S, 3]");
        let message = check_labels(&aview1(&[0, 1]), 3, 10).unwrap_err().to_string();
        assert_eq!(message, "labels have the shape [2]; expected [3]");
    }

    #[test]
    fn values_in_another_order_are_an_error() {
        let array = Array::from_shape_vec((2, 3), (0..6).collect::<Vec<u8>>()).unwrap();
        assert_eq!(values("features", &array.view()).unwrap(), [0, 1, 2, 3, 4, 5]);
        let error = values("features", &array.t()).unwrap_err().to_string();
        assert!(error.starts_with("features must be in row-major order"), "{error}");
    }
}
