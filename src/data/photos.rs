//! Reads, crops and resizes images for a data set on all threads, as for classification (native only).

use std::fmt;
use std::sync::Arc;

use super::Dataset;
use super::tree::File;
use crate::arch::Config;
use crate::data::image::Image;
use crate::error::{Error, Result};
use crate::threads;

/// Where an image comes from.
pub(super) enum Source {
    File(File),
    /// A row of a table, counted from 0, and the file it holds, if any.
    Row {
        table: Arc<str>,
        row: usize,
        bytes: Option<Vec<u8>>,
    },
}

impl Source {
    fn read(&mut self) -> Result<Vec<u8>> {
        match self {
            Source::File(file) => file.read(),
            Source::Row { bytes, .. } => {
                bytes.take().ok_or_else(|| Error::Data(format!("{self}: it contains no image")))
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(file) => file.fmt(f),
            Source::Row { table, row, .. } => write!(f, "{table}, row {row}"),
        }
    }
}

/// Images of one size with their classes, and the reasons why others were left out.
#[derive(Default)]
pub(super) struct Photos {
    images: Vec<u8>,
    labels: Vec<u32>,
    unreadable: Vec<String>,
}

impl Photos {
    /// Adds images with their classes, in this order.
    pub fn add(&mut self, sources: impl IntoIterator<Item = (Source, u32)>, config: &Config) {
        let mut photos: Vec<_> = sources.into_iter().map(|(source, label)| (source, label, None)).collect();
        threads::for_each(&mut photos, |(source, _, image)| {
            *image = Some(source.read().and_then(|bytes| {
                let image = Image::decode_center_crop(&bytes, config.crop, config.resolution);
                image.map_err(|error| Error::Data(format!("{source}: {error}")))
            }));
        });
        for (_, label, image) in photos {
            match image.expect("every photo was read") {
                Ok(image) => {
                    self.images.extend(image.rgb());
                    self.labels.push(label);
                }
                Err(error) => self.leave_out(error.to_string()),
            }
        }
    }

    /// Records why something was left out.
    pub fn leave_out(&mut self, why: String) {
        self.unreadable.push(why);
    }

    /// The images as a data set with these classes.
    ///
    /// # Errors
    /// [`Error::Data`] if there is no image.
    pub fn into_dataset(self, names: Vec<String>, config: &Config) -> Result<Dataset> {
        let Photos { images, labels, unreadable } = self;
        if labels.is_empty() {
            let first = unreadable.first().map(|first| format!("; the first is {first}")).unwrap_or_default();
            let (classes, unreadable) = (names.len(), unreadable.len());
            return Err(Error::Data(format!(
                "the {classes} classes contain no readable image ({unreadable} unreadable{first})"
            )));
        }
        Ok(Dataset { unreadable, ..Dataset::new(config.resolution, images, labels, names) })
    }
}
