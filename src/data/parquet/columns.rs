//! Which columns of a table hold the images and the labels.

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use serde_json::Value;

use crate::error::{Error, Result};

/// Usual names of these columns, to choose by where nothing else distinguishes them.
const IMAGE_NAMES: [&str; 5] = ["image", "img", "picture", "photo", "pixel_values"];
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "category", "target", "y"];

/// The names of the columns with the images and the labels. `features`: what the file declares about its columns.
///
/// # Errors
/// [`Error::Data`] if there are none, or several between which nothing decides.
pub(super) fn find(file: &str, schema: &Type, features: &Value) -> Result<(String, String)> {
    let columns: Vec<Column> = schema.get_fields().iter().map(Column::of).collect();
    let image = pick(file, "images", &columns, &images_of(&columns, features), &IMAGE_NAMES)?;
    let label = pick(file, "labels", &columns, &labels_of(&columns, features), &LABEL_NAMES)?;
    Ok((image, label))
}

/// A column of a table.
struct Column {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A struct with a field `bytes`, the image's file.
    Image,
    Bytes,
    Text,
    /// A whole number.
    Number,
    Other,
}

impl Column {
    fn of(field: &TypePtr) -> Column {
        Column { name: field.name().to_owned(), kind: Kind::of(field) }
    }
}

impl Kind {
    fn of(field: &Type) -> Kind {
        let is_bytes =
            |field: &Type| field.is_primitive() && field.get_physical_type() == Physical::BYTE_ARRAY;
        if field.is_group() {
            let holds = field.get_fields().iter().any(|inner| inner.name() == "bytes" && is_bytes(inner));
            return if holds { Kind::Image } else { Kind::Other };
        }
        let info = field.get_basic_info();
        let (logical, converted) = (info.logical_type_ref(), info.converted_type());
        let plain = logical.is_none() && converted == ConvertedType::NONE;
        let whole = matches!(logical, Some(LogicalType::Integer { .. }))
            || matches!(
                converted,
                ConvertedType::INT_8
                    | ConvertedType::INT_16
                    | ConvertedType::INT_32
                    | ConvertedType::INT_64
                    | ConvertedType::UINT_8
                    | ConvertedType::UINT_16
                    | ConvertedType::UINT_32
                    | ConvertedType::UINT_64
            );
        match field.get_physical_type() {
            Physical::BYTE_ARRAY if plain => Kind::Bytes,
            Physical::BYTE_ARRAY => match (logical, converted) {
                (Some(LogicalType::String | LogicalType::Enum), _) => Kind::Text,
                (_, ConvertedType::UTF8 | ConvertedType::ENUM) => Kind::Text,
                _ => Kind::Other,
            },
            Physical::BOOLEAN | Physical::INT32 | Physical::INT64 if plain || whole => Kind::Number,
            _ => Kind::Other,
        }
    }
}

/// The columns that the file declares as images; if none, those that may hold them.
fn images_of<'a>(columns: &'a [Column], features: &Value) -> Vec<&'a Column> {
    let said = of_type(columns, features, "Image");
    match said.is_empty() {
        true => columns.iter().filter(|column| matches!(column.kind, Kind::Image | Kind::Bytes)).collect(),
        false => said,
    }
}

/// The columns that the file declares as class labels; if none, those that may hold them.
fn labels_of<'a>(columns: &'a [Column], features: &Value) -> Vec<&'a Column> {
    let said = of_type(columns, features, "ClassLabel");
    if !said.is_empty() {
        return said;
    }
    let known: Vec<&Column> = columns
        .iter()
        .filter(|Column { name, kind }| {
            LABEL_NAMES.contains(&name.as_str()) && matches!(kind, Kind::Text | Kind::Number)
        })
        .collect();
    match known.is_empty() {
        true => columns.iter().filter(|column| column.kind == Kind::Text).collect(),
        false => known,
    }
}

fn of_type<'a>(columns: &'a [Column], features: &Value, wanted: &str) -> Vec<&'a Column> {
    columns.iter().filter(|column| features[&column.name]["_type"] == wanted).collect()
}

/// The only possible column, or the only one of them with a usual name.
fn pick(file: &str, what: &str, all: &[Column], possible: &[&Column], usual: &[&str]) -> Result<String> {
    let named: Vec<_> = possible.iter().filter(|column| usual.contains(&column.name.as_str())).collect();
    match (possible, &named[..]) {
        ([one], _) => Ok(one.name.clone()),
        (_, [one]) => Ok(one.name.clone()),
        ([], _) => {
            Err(Error::Data(format!("{file} has no column of {what}. Its columns: {}", list(all.iter()))))
        }
        _ => Err(Error::Data(format!(
            "{file} has several columns of {what}: {}. Keep one of them",
            list(possible.iter().copied())
        ))),
    }
}

fn list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    columns.map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
}
