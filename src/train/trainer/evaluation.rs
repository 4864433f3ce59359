//! What a training knows so far: evaluation, features and logits by the running averages.

use ndarray::{Array2, ArrayView1, ArrayView2, ArrayView4, Axis};

use super::{Trainer, evaluated_weights};
use crate::arch::{FEATURES, Weights};
use crate::arrays::{check_labels, values};
use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, evaluate, for_each_input};
use crate::infer::Classifier;

impl Trainer {
    /// Evaluates the network by its running averages. `images` is (N, S, S, 3) RGB bytes, any number of any size S,
    /// `labels` (N).
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square or labels and images differ in number, [`Error::Argument`] if a
    /// label is not a class, [`Error::Memory`] if there is not enough.
    pub fn evaluate(&mut self, images: ArrayView4<u8>, labels: ArrayView1<u32>) -> Result<Evaluation> {
        if self.recipe.freeze == FEATURES {
            let features = self.features(images)?;
            return self.evaluate_features(features.view(), labels);
        }
        let classifier = inference(&mut self.classifier, evaluated_weights(&self.weights, &self.state))?;
        evaluate(classifier, images, labels)
    }

    /// The classifier's inputs for images, (N, C), by the running averages: computed once for a whole training in which
    /// only the classifier learns. `images` is (N, S, S, 3) RGB bytes, any number of any size S.
    ///
    /// # Errors
    /// [`Error::Argument`] if more than the classifier learns, [`Error::Shape`] if the images are not square,
    /// [`Error::Memory`] if there is not enough.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, FEATURES, Weights};
    /// use mobilenetv2::data::shapes;
    /// use mobilenetv2::train::{Recipe, Trainer};
    ///
    /// let data = shapes::dataset(1, 0, 8, 16);
    /// let recipe = Recipe { batch: 8, freeze: FEATURES, ..Recipe::default() };
    /// let weights = Weights::random(Config { width: 0.1, resolution: 16, ..Config::cifar() }, 1);
    /// let mut trainer = Trainer::new(weights, recipe, 8)?;
    /// let features = trainer.features(data.images.view())?;
    /// assert_eq!(features.dim(), (8, 1280));
    /// trainer.step_features(features.view(), data.labels.view())?;
    /// let found = trainer.evaluate_features(features.view(), data.labels.view())?;
    /// assert_eq!(found, trainer.evaluate(data.images.view(), data.labels.view())?);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn features(&mut self, images: ArrayView4<u8>) -> Result<Array2<f32>> {
        self.check_classifier_alone()?;
        let classifier = inference(&mut self.classifier, evaluated_weights(&self.weights, &self.state))?;
        let mut features = Vec::new();
        for_each_input(&classifier.config().clone(), images, &mut |inputs| {
            features.extend_from_slice(classifier.features(inputs)?.as_slice().expect("a new array"));
            Ok(())
        })?;
        let shape = (images.len_of(Axis(0)), self.network.channels());
        Ok(Array2::from_shape_vec(shape, features).expect("each image has as many features"))
    }

    /// [`Trainer::evaluate`] on the [`Trainer::features`] of images, (N, C), with `labels`, (N).
    ///
    /// # Errors
    /// [`Error::Argument`] if more than the classifier learns or a label is not a class, [`Error::Shape`] if there are not C
    /// features and a label for each image.
    pub fn evaluate_features(
        &mut self,
        features: ArrayView2<f32>,
        labels: ArrayView1<u32>,
    ) -> Result<Evaluation> {
        self.check_features(&features, &labels)?;
        let mut found = Evaluation { total: labels.len(), ..Evaluation::default() };
        let mut rest = labels;
        self.each_logits(&features, &mut |logits| {
            let (here, after) = rest.split_at(Axis(0), logits.nrows());
            found.add(logits, here);
            rest = after;
        })?;
        Ok(found)
    }

    /// Logits of images, (N, classes), by the running averages. `images` is (N, S, S, 3) RGB bytes of any size S and number.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images are not square, [`Error::Memory`] if there is not enough.
    ///
    /// ```
    /// use mobilenetv2::arch::{Config, Weights};
    /// use mobilenetv2::data::shapes;
    /// use mobilenetv2::infer::top;
    /// use mobilenetv2::train::{Recipe, Trainer};
    ///
    /// let data = shapes::dataset(1, 0, 2, 16);
    /// let weights = Weights::random(Config { width: 0.1, resolution: 16, ..Config::cifar() }, 1);
    /// let mut trainer = Trainer::new(weights, Recipe { batch: 2, ..Recipe::default() }, 2)?;
    /// trainer.step(data.images.view(), data.labels.view())?;
    /// let logits = trainer.logits(data.images.view())?;
    /// assert_eq!(logits.dim(), (2, 10));
    /// let best: Vec<u32> = logits.rows().into_iter().map(|logits| top(logits, 1)[0].class as u32).collect();
    /// assert_eq!(best, trainer.evaluate(data.images.view(), data.labels.view())?.predictions);
    /// # Ok::<(), mobilenetv2::error::Error>(())
    /// ```
    pub fn logits(&mut self, images: ArrayView4<u8>) -> Result<Array2<f32>> {
        let mut all = Vec::new();
        let mut take =
            |logits: ArrayView2<f32>| all.extend_from_slice(logits.as_slice().expect("a new array"));
        if self.recipe.freeze == FEATURES {
            let features = self.features(images)?;
            self.each_logits(&features.view(), &mut take)?;
        } else {
            let classifier = inference(&mut self.classifier, evaluated_weights(&self.weights, &self.state))?;
            for_each_input(&classifier.config().clone(), images, &mut |inputs| {
                take(classifier.forward(inputs)?.view());
                Ok(())
            })?;
        }
        let shape = (images.len_of(Axis(0)), self.weights.config.classes);
        Ok(Array2::from_shape_vec(shape, all).expect("as many logits for each image"))
    }

    /// Gives the logits of features, (N, C), to `take`, a batch at a time.
    fn each_logits(
        &mut self,
        features: &ArrayView2<f32>,
        take: &mut dyn FnMut(ArrayView2<f32>),
    ) -> Result<()> {
        let all = values("features", features)?;
        let floats = self.recipe.batch * features.ncols();
        let profile = std::mem::take(&mut self.network.profile); // it counts steps only
        let weights = self.state.average.as_mut().unwrap_or(&mut self.weights);
        for features in all.chunks(floats) {
            self.network.start_features(features);
            self.network.forward(&weights.values, &mut weights.statistics, None);
            take(self.network.logits().view());
        }
        self.network.profile = profile;
        Ok(())
    }

    fn check_classifier_alone(&self) -> Result<()> {
        match self.recipe.freeze {
            FEATURES => Ok(()),
            freeze => Err(Error::Argument(format!(
                "features are constant only if the classifier alone learns: freeze must be {FEATURES}, not {freeze}"
            ))),
        }
    }

    pub(super) fn check_features(&self, features: &ArrayView2<f32>, labels: &ArrayView1<u32>) -> Result<()> {
        self.check_classifier_alone()?;
        let channels = self.network.channels();
        if features.ncols() != channels {
            let (expected, found) = (format!("[N, {channels}]"), format!("{:?}", features.shape()));
            return Err(Error::Shape { what: "features", expected, found });
        }
        check_labels(labels, features.nrows(), self.weights.config.classes)
    }
}

/// The network for evaluation: the existing one, or a new one from `weights`.
pub(super) fn inference<'a>(
    at_hand: &'a mut Option<Classifier>,
    weights: &Weights,
) -> Result<&'a mut Classifier> {
    match at_hand {
        Some(classifier) => Ok(classifier),
        none => Ok(none.insert(Classifier::new(weights)?)),
    }
}
