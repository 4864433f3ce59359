//! Checks that the WebP decoder does not make before it allocates.

use super::decode::damaged;
use crate::error::Result;

/// Checks that no frame of a WebP is larger than its canvas, and returns its EXIF block.
///
/// # Errors
/// [`Error::Image`](crate::error::Error::Image) if one is: the decoder allocates the frame before it compares.
pub(super) fn check(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let (mut canvas, mut exif) = (None, None);
    let frame = |canvas: Option<[usize; 2]>, id: [u8; 4], data: &[u8]| {
        let frame = if id == *b"VP8 " { lossy_size(data) } else { None };
        match canvas.zip(frame) {
            Some((canvas, frame)) if frame[0] > canvas[0] || frame[1] > canvas[1] => Err(damaged(
                "WebP",
                format!(
                    "a frame of {} × {} pixels on a canvas of {} × {}",
                    frame[0], frame[1], canvas[0], canvas[1]
                ),
            )),
            _ => Ok(()),
        }
    };
    for (id, data) in chunks(bytes.get(12..).unwrap_or_default()) {
        match &id {
            b"VP8X" if canvas.is_none() => canvas = canvas_size(data),
            b"EXIF" if exif.is_none() => exif = Some(data),
            b"ANMF" => {
                for (id, data) in chunks(data.get(16..).unwrap_or_default()) {
                    frame(canvas, id, data)?;
                }
            }
            _ => frame(canvas, id, data)?,
        }
    }
    Ok(exif)
}

/// Names and contents of RIFF's chunks; of a truncated one, the part that is there.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (id, behind) = rest.split_first_chunk::<4>()?;
        let (length, behind) = behind.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let data = &behind[..length.min(behind.len())];
        // chunks begin at even offsets
        rest = behind.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some((*id, data))
    })
}

/// Width and height of the whole picture, from the chunk `VP8X`.
fn canvas_size(data: &[u8]) -> Option<[usize; 2]> {
    let [_, _, _, _, w0, w1, w2, h0, h1, h2] = *data.first_chunk()?;
    Some([[w0, w1, w2, 0], [h0, h1, h2, 0]].map(|less_one| u32::from_le_bytes(less_one) as usize + 1))
}

/// Width and height of a lossy frame.
fn lossy_size(data: &[u8]) -> Option<[usize; 2]> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = *data.first_chunk()? else { return None };
    Some([[w0, w1], [h0, h1]].map(|side| usize::from(u16::from_le_bytes(side) & 0x3fff)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::image::Image;

    fn chunk(id: &str, data: &[u8]) -> Vec<u8> {
        [id.as_bytes(), &(data.len() as u32).to_le_bytes(), data, &vec![0; data.len() % 2]].concat()
    }

    fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk("RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
    }

    /// A canvas of 8 × 8 pixels.
    fn canvas(flags: u8) -> Vec<u8> {
        chunk("VP8X", &[flags, 0, 0, 0, 7, 0, 0, 7, 0, 0])
    }

    /// The start of a frame of 16,383 × 16,383.
    fn huge() -> Vec<u8> {
        chunk("VP8 ", &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0, 0])
    }

    #[test]
    fn a_frame_larger_than_its_canvas_is_refused() {
        let animated = [canvas(2), chunk("ANIM", &[0; 6]), chunk("ANMF", &[vec![0; 16], huge()].concat())];
        for bytes in [webp(&[canvas(0), huge()]), webp(&animated)] {
            let message = Image::decode(&bytes).unwrap_err().to_string();
            assert!(message.contains("a frame of 16383 × 16383 pixels on a canvas of 8 × 8"), "{message}");
        }
    }

    #[test]
    fn exif_is_no_longer_than_the_file() {
        let mut bytes = webp(&[canvas(8), chunk("EXIF", b"MM\0*")]);
        let length = bytes.len() - 8;
        bytes[length..length + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(check(&bytes).unwrap(), Some(b"MM\0*".as_slice()));
        assert!(Image::decode(&bytes).is_err());
    }
}
