//! Which way a stored picture is to be turned.

/// How a picture is seen, by how its pixels are stored: seen columns may be stored rows, and either axis may run backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    /// Seen rows are stored columns.
    pub transposed: bool,
    /// Stored columns are seen in reverse.
    pub mirrored_x: bool,
    /// Stored rows are seen in reverse.
    pub mirrored_y: bool,
}

impl Orientation {
    /// From EXIF's value, 1 – 8; upright where it is another, as browsers and Pillow have it.
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

    /// Width and height as seen, from those stored; or the other way.
    pub fn size(self, width: usize, height: usize) -> (usize, usize) {
        if self.transposed { (height, width) } else { (width, height) }
    }

    /// Stored (height, width, 3) bytes as they are seen.
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
    fn all_eight_are_exifs() {
        // The letter F as it is seen, and as EXIF 2.3 (4.6.4 A, 0th row and column) has it stored; each a byte a pixel.
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
