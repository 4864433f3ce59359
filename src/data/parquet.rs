//! Labelled images in Parquet files, as the Hugging Face Hub stores its sets (native only). The columns with the images and the
//! labels, and the names of the classes, are found as the page finds them (`www/engine/hub.js`).

mod columns;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use ::parquet::basic::Compression as Codec;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::Type;
use serde_json::Value;

use super::guard::quietly;
use super::photos::{Photos, Source};
use super::tree::File;
use super::{Dataset, names};
use crate::arch::Config;
use crate::error::{Error, Result, ensure_memory};

/// A column with more different labels does not hold classes.
const MOST_CLASSES: usize = 1000;

/// The images of the files of one split, in their order. `like`: the classes they have, if these are known.
///
/// # Errors
/// [`Error::File`] or [`Error::Data`] if a file cannot be read, or does not have exactly one column of images and one of labels.
pub(super) fn load(files: &[File], like: Option<&Classes>, config: &Config) -> Result<(Dataset, Classes)> {
    let tables: Vec<Table> = files.iter().map(Table::open).collect::<Result<_>>()?;
    let rows = tables.iter().map(Table::rows).fold(0, usize::saturating_add);
    let side = config.resolution;
    ensure_memory((rows as u64).saturating_mul((side * side * 3) as u64), "resolution", || {
        format!("reading {rows} images of {side} × {side}")
    })?;
    let classes = match like {
        Some(classes) => classes.clone(),
        None => Classes::of(&tables)?,
    };

    let mut photos = Photos::default();
    for table in &tables {
        let labels = table.labels()?.into_iter().map(|label| classes.number(&label?));
        let mut labels = labels.enumerate();
        let mut unknown = 0;
        for group in 0..table.reader.num_row_groups() {
            let images = table.images(group)?;
            let sources: Vec<_> = images
                .into_iter()
                .zip(&mut labels)
                .filter_map(|(bytes, (row, label))| match label {
                    Some(label) => Some((Source::Row { table: Arc::clone(&table.name), row, bytes }, label)),
                    None => {
                        unknown += 1;
                        None
                    }
                })
                .collect();
            photos.add(sources, config);
        }
        if unknown > 0 {
            let (name, label) = (&table.name, &table.label);
            photos.leave_out(format!("{name}: rows without a class in the column {label}: {unknown}"));
        }
    }
    Ok((photos.into_dataset(classes.names.clone(), config)?, classes))
}

/// The classes of the files of a split.
///
/// # Errors
/// As [`load`].
pub(super) fn classes(files: &[File]) -> Result<Classes> {
    let tables: Vec<Table> = files.iter().map(Table::open).collect::<Result<_>>()?;
    Classes::of(&tables)
}

/// The classes of a set.
#[derive(Clone)]
pub(super) struct Classes {
    names: Vec<String>,
    /// Whether a label is the number of its class; otherwise it is the name.
    numbered: bool,
}

impl Classes {
    /// The classes that the first file names, otherwise all different labels, in natural order.
    fn of(tables: &[Table]) -> Result<Classes> {
        if let Some(names) = tables.first().and_then(|table| table.names.clone()) {
            return Ok(Classes { names, numbered: true });
        }
        let mut different = BTreeSet::new();
        for table in tables {
            different.extend(table.labels()?.iter().flatten().map(Label::to_string));
        }
        if different.len() > MOST_CLASSES {
            let (Table { name, label, .. }, found) = (&tables[0], different.len());
            return Err(Error::Data(format!(
                "{name}: the column {label} has {found} different values, and up to {MOST_CLASSES} classes are read"
            )));
        }
        let mut names: Vec<String> = different.into_iter().collect();
        names.sort_by(|a, b| names::natural(a, b));
        Ok(Classes { names, numbered: false })
    }

    fn number(&self, label: &Label) -> Option<u32> {
        let number = match label {
            Label::Number(number) if self.numbered => usize::try_from(*number).ok(),
            _ if self.numbered => None,
            label => self.names.iter().position(|name| *name == label.to_string()),
        };
        number.filter(|number| *number < self.names.len()).map(|number| number as u32)
    }
}

/// A row's label.
enum Label {
    Number(i64),
    Text(String),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Number(number) => number.fmt(f),
            Label::Text(text) => text.fmt(f),
        }
    }
}

/// An open file.
struct Table {
    name: Arc<str>,
    reader: Box<dyn FileReader>,
    /// Names of the two columns.
    image: String,
    label: String,
    /// Names of the classes, if the file has them.
    names: Option<Vec<String>>,
}

impl Table {
    fn open(file: &File) -> Result<Table> {
        let name: Arc<str> = file.to_string().into();
        let opened = file.open()?;
        let reader = guarded(&name, || SerializedFileReader::new(opened))?;
        let reader: Box<dyn FileReader> = Box::new(reader);
        let metadata = reader.metadata().file_metadata();
        let features = metadata
            .key_value_metadata()
            .and_then(|entries| entries.iter().find(|entry| entry.key == "huggingface")?.value.as_deref())
            .and_then(|text| serde_json::from_str::<Value>(text).ok()) // otherwise another program's entry
            .map(|mut value| value["info"]["features"].take())
            .unwrap_or_default();
        let (image, label) = columns::find(&name, metadata.schema(), &features)?;
        let names = serde_json::from_value(features[&label]["names"].clone()).ok();
        for column in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
            let (place, codec) = (&column.column_path().parts()[0], column.compression());
            if (*place == image || *place == label) && !matches!(codec, Codec::UNCOMPRESSED | Codec::SNAPPY) {
                return Err(Error::Data(format!(
                    "{name}: the column {place} is compressed by {codec}; expected Snappy or nothing"
                )));
            }
        }
        Ok(Table { name, reader, image, label, names })
    }

    fn rows(&self) -> usize {
        self.reader.metadata().file_metadata().num_rows().max(0) as usize
    }

    /// The labels of all rows.
    fn labels(&self) -> Result<Vec<Option<Label>>> {
        let mut labels = Vec::new();
        for group in 0..self.reader.num_row_groups() {
            labels.extend(self.column(group, &self.label)?.into_iter().map(label));
        }
        Ok(labels)
    }

    /// The image files of a row group; None where the table only has an image's path.
    fn images(&self, group: usize) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(self.column(group, &self.image)?.into_iter().map(image).collect())
    }

    /// A column of a row group.
    fn column(&self, group: usize, column: &str) -> Result<Vec<Field>> {
        guarded(&self.name, || {
            let schema = self.reader.metadata().file_metadata().schema();
            let field = schema.get_fields().iter().find(|field| field.name() == column).cloned();
            let fields = field.into_iter().collect();
            let projection = Type::group_type_builder(schema.name()).with_fields(fields).build()?;
            let rows = self.reader.get_row_group(group)?;
            let rows = rows.get_row_iter(Some(projection))?;
            rows.map(|row| Ok(row?.into_columns().pop().map_or(Field::Null, |(_, field)| field))).collect()
        })
    }
}

/// Reads from a file. The crate returns errors for most damaged files, but panics at some impossible offsets.
fn guarded<T>(name: &str, read: impl FnOnce() -> ::parquet::errors::Result<T>) -> Result<T> {
    let result =
        quietly(read).unwrap_or_else(|_| Err(ParquetError::General("its metadata are impossible".into())));
    result.map_err(|error| Error::Data(format!("{name}: not a readable Parquet file: {error}")))
}

fn label(field: Field) -> Option<Label> {
    Some(match field {
        Field::Bool(value) => Label::Number(value.into()),
        Field::Byte(value) => Label::Number(value.into()),
        Field::Short(value) => Label::Number(value.into()),
        Field::Int(value) => Label::Number(value.into()),
        Field::Long(value) => Label::Number(value),
        Field::UByte(value) => Label::Number(value.into()),
        Field::UShort(value) => Label::Number(value.into()),
        Field::UInt(value) => Label::Number(value.into()),
        Field::ULong(value) => Label::Number(i64::try_from(value).ok()?),
        Field::Str(value) => Label::Text(value),
        _ => return None,
    })
}

fn image(field: Field) -> Option<Vec<u8>> {
    match field {
        Field::Bytes(bytes) => Some(bytes.data().to_vec()),
        Field::Group(row) => {
            let (_, bytes) = row.into_columns().into_iter().find(|(name, _)| name == "bytes")?;
            image(bytes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::super::folder::{load_test, load_train_and_test};
    use super::*;

    /// The files of `tests/golden/parquet.py`.
    fn golden(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/parquet/{name}.parquet"))
    }

    fn config() -> Config {
        Config { resolution: 12, crop: 1.0, ..Config::cifar() }
    }

    fn load_error(path: &Path) -> String {
        load_train_and_test(path, &config()).unwrap_err().to_string()
    }

    /// Which of red, green and blue there is most of in each image.
    fn colours(data: &Dataset) -> Vec<usize> {
        let sum = |image: usize, colour| {
            data.image(image).iter().skip(colour).step_by(3).map(|&x| u32::from(x)).sum::<u32>()
        };
        (0..data.len()).map(|image| (0..3).max_by_key(|&colour| sum(image, colour)).unwrap()).collect()
    }

    #[test]
    fn splits_are_those_of_the_names() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::copy(golden("train"), data.join("train-00000-of-00002.parquet")).unwrap();
        fs::copy(golden("test"), data.join("train-00001-of-00002.parquet")).unwrap();
        fs::copy(golden("test"), data.join("test-00000-of-00001.parquet")).unwrap();
        for path in [folder.path(), &data] {
            let (train, test) = load_train_and_test(path, &config()).unwrap();
            assert_eq!(train.names, ["red", "green", "blue"]);
            assert_eq!((train.len(), test.len(), &test.names), (45 + 12, 12, &train.names));
            for data in [&train, &test] {
                assert_eq!(data.labels.mapv(|label| label as usize).to_vec(), colours(data));
            }
            assert_eq!(load_test(path, &config()).unwrap(), test);
        }
        let converted = tempfile::tempdir().unwrap();
        for (split, file) in [("train", "train"), ("validation", "test")] {
            let inside = converted.path().join("default").join(split);
            fs::create_dir_all(&inside).unwrap();
            fs::copy(golden(file), inside.join("0000.parquet")).unwrap();
        }
        let (train, test) = load_train_and_test(converted.path(), &config()).unwrap();
        assert_eq!((train.len(), test.len()), (45, 12));
    }

    #[test]
    fn a_file_by_itself_is_divided() {
        // bytes without a struct, labels as text, several groups, nothing said of features
        let (train, test) = load_train_and_test(&golden("plain"), &config()).unwrap();
        assert_eq!(train.names, ["blue", "green", "red"]);
        assert_eq!((train.len(), test.labels.to_vec()), (17, vec![2, 1, 0]));
        assert_eq!(colours(&test), [0, 1, 2]);
        // numbers without names, pages of the second version
        let all = load_test(&golden("pages"), &config()).unwrap();
        assert_eq!((all.len(), &all.names[..]), (20, &["10", "11", "12"].map(String::from)[..]));
        assert_eq!(all.labels.mapv(|label| label as usize).to_vec(), colours(&all));
    }

    #[test]
    fn rows_without_a_class_or_a_picture_are_left_out_and_named() {
        let data = load_test(&golden("gaps"), &config()).unwrap();
        assert_eq!(data.len(), 9);
        let [picture, label] = &data.unreadable[..] else { panic!("{:?}", data.unreadable) };
        assert!(picture.contains("gaps.parquet, row 5: not a readable image"), "{picture}");
        assert!(label.contains("gaps.parquet: rows without a class in the column label: 2"), "{label}");
    }

    #[test]
    fn what_is_unusual_is_said() {
        for (file, expected) in [
            ("unlabelled", "has no column of labels. Its columns: image, caption"),
            ("no-images", "has no column of images. Its columns: text, label"),
            ("several-images", "has several columns of images: left, right. Keep one of them"),
            ("several-labels", "has several columns of labels: fine, coarse. Keep one of them"),
            ("zstd", "the column image is compressed by ZSTD"),
            ("paths", "the 3 classes contain no readable image (4 unreadable; the first is "),
            ("paths", "paths.parquet, row 0: it contains no image"),
        ] {
            let message = load_error(&golden(file));
            assert!(message.contains(expected), "{file}: {message}");
        }
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.parquet");
        let whole = fs::read(golden("plain")).unwrap();
        for length in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(load_error(&path).contains("train.parquet: not a readable Parquet file"), "{length}");
        }
        for at in (0..whole.len()).step_by(5) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            fs::write(&path, &bytes).unwrap();
            drop(load_train_and_test(&path, &config()));
        }
    }
}
