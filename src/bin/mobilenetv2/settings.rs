//! Options generated from the tables of settings, and the values given for them.

use std::marker::PhantomData;

use clap::builder::{BoolValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use mobilenetv2::arch::json;
use mobilenetv2::arch::setting::{Setting, Settings, Values};
use mobilenetv2::error::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// Settings by their JSON names.
pub type Fields = Map<String, Value>;

/// Settings that a command has as options.
pub trait Options {
    /// Their heading in the help.
    const HEADING: &str;

    /// The options; the id of each is the setting's name.
    fn args() -> Vec<Arg>;
}

/// The options of `T` that were given.
pub struct Given<T> {
    pub fields: Fields,
    options: PhantomData<T>,
}

impl<T: Options> FromArgMatches for Given<T> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = |arg: &Arg| {
            let name = arg.get_id().as_str();
            matches.get_one::<Value>(name).map(|value| (name.to_owned(), value.clone()))
        };
        Ok(Given { fields: T::args().iter().filter_map(given).collect(), options: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        self.fields.extend(Self::from_arg_matches(matches)?.fields);
        Ok(())
    }
}

impl<T: Options> Args for Given<T> {
    fn augment_args(command: Command) -> Command {
        command.args(T::args().into_iter().map(|arg| arg.help_heading(T::HEADING)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The option for a setting; `default` is the default that its help shows.
pub fn arg(setting: &Setting, default: Option<&str>) -> Arg {
    let notes = [setting.range(), default.map(|default| format!("default: {default}"))];
    let notes: String = notes.into_iter().flatten().map(|note| format!(" [{note}]")).collect();
    let arg = Arg::new(setting.name).long(setting.name.replace('_', "-")).help(setting.help() + &notes);
    let value = if setting.rules.unit.is_empty() { setting.name } else { setting.rules.unit };
    let arg = arg.value_name(value.to_uppercase());
    match setting.values {
        Values::Number => arg.value_parser(number),
        Values::Whole => arg.value_parser(whole),
        Values::Switch => arg.value_parser(BoolValueParser::new().map(Value::from)),
        Values::Choice(names) => arg.value_parser(PossibleValuesParser::new(names).map(Value::from)),
        Values::Colours => arg.value_name("R,G,B").value_parser(colours),
        Values::List(_) => arg.value_parser(list),
    }
}

/// Reads a number; "NaN" and "inf" are refused.
pub fn finite(text: &str) -> std::result::Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number, such as 0.5".into())
}

fn number(text: &str) -> std::result::Result<Value, String> {
    finite(text).map(Value::from)
}

fn whole(text: &str) -> std::result::Result<Value, String> {
    let number: Option<u64> = text.trim().parse().ok();
    number.map(Value::from).ok_or_else(|| "expected a whole number, such as 4".into())
}

fn list(text: &str) -> std::result::Result<Value, String> {
    text.split(',').map(whole).collect()
}

/// Reads one number per colour, or one for all.
fn colours(text: &str) -> std::result::Result<Value, String> {
    let numbers: Vec<f64> = text.split(',').map(finite).collect::<std::result::Result<_, _>>()?;
    match numbers[..] {
        [all] => Ok([all; 3].into_iter().collect()),
        [_, _, _] => Ok(numbers.into_iter().collect()),
        _ => Err("expected one number, or three for red, green and blue".into()),
    }
}

/// Settings as written in a file: goes through text, so that an `f32` of 0.1 reads 0.1 and not 0.10000000149.
pub fn written(settings: &impl Serialize) -> Fields {
    let text = serde_json::to_string(settings).expect("settings are plain data");
    serde_json::from_str(&text).expect("JSON just written")
}

/// `base`, overridden by these fields.
pub fn overlay<T: Serialize + Settings>(base: &T, fields: &Fields) -> Result<T> {
    let Ok(Value::Object(mut all)) = serde_json::to_value(base) else {
        unreachable!("settings are an object")
    };
    all.extend(fields.clone());
    json::settings(&all).map_err(Error::Argument)
}
