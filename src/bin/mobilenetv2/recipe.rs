//! The options that describe a training.

use std::path::PathBuf;

use clap::Arg;
use mobilenetv2::arch::json;
use mobilenetv2::error::Result;
use mobilenetv2::train::Recipe;

use crate::files;
use crate::settings::{self, Fields, Given, overlay};

/// Training settings; their names in a file are those of [`Recipe`].
#[derive(clap::Args)]
pub struct RecipeOptions {
    /// A JSON object of settings, named like the options below with _ for -; options take precedence
    #[arg(long, value_name = "FILE", help_heading = <Recipe as settings::Options>::HEADING)]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    given: Given<Recipe>,
}

impl settings::Options for Recipe {
    const HEADING: &str = "Recipe (defaults: the paper's, with SGD for RMSProp)";

    fn args() -> Vec<Arg> {
        let defaults = settings::written(&Recipe::default());
        let default = |name: &str| match name {
            "decay_until" => Some("the last".to_owned()),
            "sizes" => None,
            _ => Some(defaults[name].to_string().replace('"', "")),
        };
        Recipe::SETTINGS
            .iter()
            .map(|setting| settings::arg(setting, default(setting.name).as_deref()))
            .collect()
    }
}

impl RecipeOptions {
    /// `base`, overridden by the file and then by the options.
    pub fn over(&self, base: &Recipe) -> Result<Recipe> {
        let mut recipe = base.clone();
        if let Some(path) = &self.recipe {
            let bytes = files::read(path)?;
            let fields: Fields = serde_json::from_slice(&bytes).map_err(|error| files::wrong(path, error))?;
            if let Some(key) = str::from_utf8(&bytes).ok().and_then(json::doubled_key) {
                return Err(files::wrong(path, format!("{key} is given twice")));
            }
            recipe = overlay(&recipe, &fields).map_err(|error| files::wrong(path, error))?;
            recipe.validate().map_err(|error| files::wrong(path, error))?;
        }
        let recipe = overlay(&recipe, &self.given.fields)?;
        recipe.validate()?;
        Ok(recipe)
    }
}
