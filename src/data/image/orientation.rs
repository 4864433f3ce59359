//! The orientation of a stored picture.

/// How stored pixels become a picture: its rows may be stored as columns, and either axis may run backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Rows of the picture are stored as columns.
    pub transposed: bool,
    /// Columns are stored in reverse.
    pub mirrored_x: bool,
    /// Rows are stored in reverse.
    pub mirrored_y: bool,
}

impl Orientation {
    /// From EXIF's value, 1 – 8; any other means upright, as in browsers and Pillow.
    pub fn from_exif(value: u8) -> Self {
        let (transposed, mirrored_x, mirrored_y) = match value {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => (false, false, false),
        };
        Orientation { transposed, mirrored_x, mirrored_y }
    }

    /// The upright width and height from the stored ones, or the reverse.
    pub fn size(self, width: usize, height: usize) -> (usize, usize) {
        if self.transposed { (height, width) } else { (width, height) }
    }

    /// Turns stored (height, width, 3) bytes upright.
    pub fn apply(self, width: usize, height: usize, rgb: Vec<u8>) -> Vec<u8> {
        if self == Orientation::default() {
            return rgb;
        }
        let (seen_width, seen_height) = self.size(width, height);
        let mut seen = vec![0; rgb.len()];
        let (pixels, _) = seen.as_chunks_mut::<3>();
        let (stored, _) = rgb.as_chunks::<3>();
        for y in 0..seen_height {
            for x in 0..seen_width {
                let (column, row) = if self.transposed { (y, x) } else { (x, y) };
                let column = if self.mirrored_x { width - 1 - column } else { column };
                let row = if self.mirrored_y { height - 1 - row } else { row };
                pixels[y * seen_width + x] = stored[row * width + column];
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_match_exif() {
        // The letter F upright, and as EXIF 2.3 (4.6.4 A, 0th row and column) stores it; one byte per pixel.
        let seen = ["###", "#..", "##.", "#..", "#.."];
        let stored: [&[&str]; 8] = [
            &["###", "#..", "##.", "#..", "#.."],
            &["###", "..#", ".##", "..#", "..#"],
            &["..#", "..#", ".##", "..#", "###"],
            &["#..", "#..", "##.", "#..", "###"],
            &["#####", "#.#..", "#...."],
            &["#....", "#.#..", "#####"],
            &["....#", "..#.#", "#####"],
            &["#####", "..#.#", "....#"],
        ];
        let bytes = |rows: &[&str]| -> Vec<u8> { rows.concat().bytes().flat_map(|byte| [byte; 3]).collect() };
        for (value, stored) in (1..).zip(stored) {
            let orientation = Orientation::from_exif(value);
            let (width, height) = (stored[0].len(), stored.len());
            assert_eq!(orientation.size(width, height), (3, 5), "{value}");
            assert_eq!(orientation.apply(width, height, bytes(stored)), bytes(&seen), "{value}");
        }
    }
}
