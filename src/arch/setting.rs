//! Settings: name, values, default, range, unit and help of each, defined once.
//!
//! `settings!` turns a list of settings into a struct with defaults, a range check and a table ([`Config::SETTINGS`],
//! [`Recipe::SETTINGS`]). The command line builds its options from that table; `cargo xtask generate` writes the page's
//! form, the TypeScript types and `docs/settings.md` from it.
//!
//! [`Config::SETTINGS`]: crate::arch::Config::SETTINGS
//! [`Recipe::SETTINGS`]: crate::train::Recipe::SETTINGS

use std::fmt::Display;

use serde::{Deserialize, de};
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in Rust, in JSON, in JavaScript and, with `-` for `_`, on the command line.
    pub name: &'static str,
    /// The kind of its values.
    pub values: Values,
    /// Their range and unit, and whether the setting may change during training.
    pub rules: Rules,
    doc: &'static str,
}

/// The kind of a setting's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// A number.
    Number,
    /// A whole number, 0 or more.
    Whole,
    /// Yes or no.
    Switch,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// One number each for red, green and blue.
    Colours,
    /// A list of at most this many whole numbers.
    List(usize),
}

/// The range of a setting's numbers, their unit, and whether the setting may change during training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Lowest number allowed.
    pub low: f64,
    /// Highest number allowed.
    pub high: f64,
    /// Unit of the numbers, a plural; empty if they have none.
    pub unit: &'static str,
    /// Whether it may change during training.
    pub live: bool,
}

/// Any value of its kind.
pub(crate) const fn any() -> Rules {
    between(f64::NEG_INFINITY, f64::INFINITY)
}

/// Numbers from `low` to `high`.
pub(crate) const fn between(low: f64, high: f64) -> Rules {
    Rules { low, high, unit: "", live: false }
}

impl Rules {
    /// Sets the unit, a plural.
    pub(crate) const fn unit(self, unit: &'static str) -> Rules {
        Rules { unit, ..self }
    }

    /// Lets the setting change during training.
    pub(crate) const fn live(self) -> Rules {
        Rules { live: true, ..self }
    }
}

impl Setting {
    /// `doc` is the documentation of the setting's field.
    pub(crate) const fn new(name: &'static str, values: Values, rules: Rules, doc: &'static str) -> Setting {
        Setting { name, values, rules, doc }
    }

    /// The help text: the first paragraph of the documentation, without its full stop.
    pub fn help(&self) -> String {
        let lines = self.doc.lines().map(str::trim).take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
    }

    /// The range with its unit, "0 to 64 pixels", of a numeric setting.
    pub fn range(&self) -> Option<String> {
        let Rules { low, high, unit, .. } = self.rules;
        let range = low.is_finite().then(|| format!("{low} to {high} {unit}"));
        range.map(|range| range.trim_end().to_owned())
    }
}

/// A struct of settings.
pub trait Settings: Default {
    /// Sets the field of this name.
    ///
    /// # Errors
    /// If there is none, or the value has another type.
    fn set(&mut self, name: &str, value: &Json) -> serde_json::Result<()>;
}

/// Reads a field. Each type is compiled once, which keeps forty fields small.
#[inline(never)]
pub(crate) fn read<T: Value>(field: &mut T, value: &Json) -> serde_json::Result<()> {
    *field = T::read(value)?;
    Ok(())
}

/// The place of a name in a list of names.
pub(crate) fn choice(value: &Json, names: &'static [&'static str]) -> serde_json::Result<usize> {
    let name = String::deserialize(value)?;
    let place = names.iter().position(|known| *known == name);
    place.ok_or_else(|| de::Error::unknown_variant(&name, names))
}

/// A type that a setting can have.
pub(crate) trait Value: Sized {
    const VALUES: Values;

    fn read(value: &Json) -> serde_json::Result<Self>;

    /// Checks the range of the setting `name`.
    fn check(&self, name: &str, rules: &Rules) -> Result<()>;
}

#[inline(never)] // there are forty calls
fn check(name: &str, shown: &dyn Display, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let name: String = name.chars().map(|c| if c == '_' { ' ' } else { c }).collect();
    Err(Error::Argument(format!("{name} must be {low} to {high}, not {shown}")))
}

/// [`Value::read`] of the types that serde knows.
macro_rules! read_by_serde {
    () => {
        fn read(value: &Json) -> serde_json::Result<Self> {
            Self::deserialize(value)
        }
    };
}

impl Value for f64 {
    const VALUES: Values = Values::Number;

    read_by_serde!();

    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        check(name, self, *self, rules.low, rules.high)
    }
}

impl Value for f32 {
    const VALUES: Values = Values::Number;

    read_by_serde!();

    #[inline(never)]
    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        // An `f32` may lie on either side of the decimal fraction that it stands for.
        let value = f64::from(*self);
        if *self == rules.low as f32 || *self == rules.high as f32 {
            return Ok(());
        }
        check(name, self, value, rules.low, rules.high)
    }
}

impl Value for usize {
    const VALUES: Values = Values::Whole;

    read_by_serde!();

    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        check(name, self, *self as f64, rules.low, rules.high)
    }
}

impl Value for u64 {
    const VALUES: Values = Values::Whole;

    read_by_serde!();

    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        check(name, self, *self as f64, rules.low, rules.high)
    }
}

impl Value for bool {
    const VALUES: Values = Values::Switch;

    read_by_serde!();

    fn check(&self, _: &str, _: &Rules) -> Result<()> {
        Ok(())
    }
}

impl Value for [f32; 3] {
    const VALUES: Values = Values::Colours;

    read_by_serde!();

    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        self.iter().try_for_each(|value| value.check(name, rules))
    }
}

/// Maximum length of a list: each image size keeps a resampler.
const MOST: usize = 64;

impl Value for Vec<usize> {
    const VALUES: Values = Values::List(MOST);

    read_by_serde!();

    fn check(&self, name: &str, rules: &Rules) -> Result<()> {
        check(&format!("number of {name}"), &self.len(), self.len() as f64, 0.0, MOST as f64)?;
        self.iter().try_for_each(|value| value.check(name.trim_end_matches('s'), rules))
    }
}

/// Makes enums usable as settings.
macro_rules! choices {
    ($($choice:ident),+) => {$(
        impl $crate::arch::setting::Value for $choice {
            const VALUES: $crate::arch::setting::Values =
                $crate::arch::setting::Values::Choice(<$choice as strum::VariantNames>::VARIANTS);

            fn read(value: &serde_json::Value) -> serde_json::Result<Self> {
                let names = <$choice as strum::VariantNames>::VARIANTS;
                let place = $crate::arch::setting::choice(value, names)?;
                Ok($choice::from_repr(place).expect("as many variants as names"))
            }

            fn check(&self, _: &str, _: &$crate::arch::setting::Rules) -> $crate::error::Result<()> {
                Ok(())
            }
        }
    )+};
}
pub(crate) use choices;

/// Defines a struct of settings: each field has its type, its default and its [`Rules`].
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        pub struct $Settings:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr, $rules:expr;)+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $Settings {
            $(
                $(#[doc = $doc])+
                #[doc = concat!("\n\nDefault: `", stringify!($default), "`; values: `", stringify!($rules), "`.")]
                pub $name: $type,
            )+
        }

        impl Default for $Settings {
            fn default() -> Self {
                $Settings { $($name: $default),+ }
            }
        }

        impl $crate::arch::setting::Settings for $Settings {
            fn set(&mut self, name: &str, value: &serde_json::Value) -> serde_json::Result<()> {
                match name {
                    $(stringify!($name) => $crate::arch::setting::read(&mut self.$name, value),)+
                    _ => Err(serde::de::Error::unknown_field(name, &[$(stringify!($name)),+])),
                }
            }
        }

        impl $Settings {
            /// Every setting, in order.
            pub const SETTINGS: &[$crate::arch::setting::Setting] = {
                use $crate::arch::setting::{Setting, Value};
                &[$(Setting::new(stringify!($name), <$type as Value>::VALUES, $rules, concat!($($doc, "\n"),+))),+]
            };

            /// Checks every range.
            fn check_ranges(&self) -> $crate::error::Result<()> {
                use $crate::arch::setting::Value;
                $(self.$name.check(stringify!($name), const { &$rules })?;)+
                Ok(())
            }
        }
    };
}
pub(crate) use settings;

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::arch::{Config, json::settings};
    use crate::train::Recipe;

    /// Validates default settings in which one has this number.
    type Validate<'a> = dyn Fn(f64) -> std::result::Result<(), String> + 'a;

    /// Calls `test` with each numeric setting and a function that validates defaults with that setting changed.
    fn each_number(test: impl Fn(&Setting, &Validate)) {
        fn of<T: Settings>(
            all: &[Setting],
            validate: fn(&T) -> Result<()>,
            test: &impl Fn(&Setting, &Validate),
        ) {
            for setting in all {
                let value = |number: f64| match setting.values {
                    Values::Number => json!(number),
                    Values::Whole => json!(number as i64),
                    Values::Colours => json!([number, number, number]),
                    Values::List(_) => json!([number as i64]),
                    Values::Switch | Values::Choice(_) => unreachable!(),
                };
                if matches!(setting.values, Values::Switch | Values::Choice(_)) {
                    continue;
                }
                test(setting, &|number| {
                    let fields = Map::from_iter([(setting.name.to_owned(), value(number))]);
                    validate(&settings::<T>(&fields)?).map_err(|error| error.to_string())
                });
            }
        }
        of(Config::SETTINGS, Config::validate, &test);
        of(Recipe::SETTINGS, Recipe::validate, &test);
    }

    #[test]
    fn numbers_are_accepted_up_to_the_ends_of_their_range() {
        each_number(|setting, validate| {
            let Rules { low, high, .. } = setting.rules;
            assert!(low < high, "{}", setting.name);
            validate(low).unwrap();
            validate(high).unwrap();
            for beyond in [low - 1.0, low - low.abs() * 1e-6 - 1e-30, high + 1.0, high * 1.000_001] {
                let whole = matches!(setting.values, Values::Whole | Values::List(_));
                if whole && (low..=high).contains(&beyond.trunc()) {
                    continue;
                }
                let message = validate(beyond).unwrap_err().replace(' ', "_");
                assert!(message.contains(setting.name.trim_end_matches('s')), "{beyond}: {message}");
            }
        });
    }

    #[test]
    fn non_finite_numbers_are_refused_by_name() {
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let recipe = Recipe { weight_decay: number, ..Recipe::default() };
            let message = recipe.validate().unwrap_err().to_string();
            assert_eq!(message, format!("weight decay must be 0 to 1, not {number}"));
            let config = Config { std: [1.0, number, 1.0], ..Config::default() };
            let message = config.validate().unwrap_err().to_string();
            assert_eq!(message, format!("std must be 0.0001 to 10000, not {number}"));
        }
    }

    #[test]
    fn choices_have_their_names_in_json() {
        fn of<T: Serialize + Settings>(all: &[Setting]) {
            for setting in all {
                let Values::Choice(names) = setting.values else { continue };
                for name in names {
                    let fields = Map::from_iter([(setting.name.to_owned(), json!(name))]);
                    let found: Value = serde_json::to_value(settings::<T>(&fields).unwrap()).unwrap();
                    assert_eq!(found[setting.name], *name);
                }
            }
        }
        of::<Config>(Config::SETTINGS);
        of::<Recipe>(Recipe::SETTINGS);
    }

    #[test]
    fn defaults_are_in_range_and_help_is_one_sentence() {
        Config::default().validate().unwrap();
        Config::cifar().validate().unwrap();
        Recipe::default().validate().unwrap();
        Recipe::paper().validate().unwrap();
        for setting in [Config::SETTINGS, Recipe::SETTINGS].concat() {
            let help = setting.help();
            assert!(!help.is_empty() && !help.contains(". ") && !help.contains("[`"), "{help}");
        }
    }
}
