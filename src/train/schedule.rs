//! The learning rate over time.

use super::{Recipe, Schedule};

/// The learning rate of a step, given the epochs (whole and fractional) trained before it.
///
/// The schedule starts after the epochs for which the rate is held. Warm-up raises the rate linearly over its epochs, on top
/// of the schedule.
///
/// ```
/// use mobilenetv2::train::{Recipe, Schedule, learning_rate};
///
/// let recipe = Recipe { schedule: Schedule::Cosine, learning_rate: 0.1, hold_until: 2.0, decay_until: 12.0, ..Recipe::default() };
/// assert_eq!([0.0, 2.0, 7.0, 12.0].map(|epoch| learning_rate(&recipe, epoch)), [0.1, 0.1, 0.05, 0.0]);
/// ```
pub fn learning_rate(recipe: &Recipe, epoch: f64) -> f32 {
    let hold = f64::from(recipe.hold_until);
    let until = (f64::from(recipe.decay_until) - hold).max(f64::MIN_POSITIVE);
    let falling = (epoch - hold).max(0.0);
    let progress = (falling / until).min(1.0);
    let factor = match recipe.schedule {
        // As in the paper: a factor per epoch, not per step.
        Schedule::Exponential => f64::from(recipe.decay).powi(falling as i32),
        Schedule::Linear => 1.0 - progress,
        Schedule::Cosine => 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress)),
        Schedule::Constant => 1.0,
    };
    let warmup = f64::from(recipe.warmup);
    let warm = if epoch < warmup { epoch / warmup } else { 1.0 };
    (f64::from(recipe.learning_rate) * factor * warm) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let rate = |schedule, warmup, epoch| {
            let recipe =
                Recipe { schedule, warmup, learning_rate: 1.0, decay_until: 10.0, ..Recipe::default() };
            learning_rate(&recipe, epoch)
        };
        assert_eq!(rate(Schedule::Exponential, 0.0, 0.9), 1.0);
        assert_eq!(rate(Schedule::Exponential, 0.0, 2.5), 0.98 * 0.98);
        assert_eq!(rate(Schedule::Linear, 0.0, 2.5), 0.75);
        assert_eq!(rate(Schedule::Linear, 0.0, 11.0), 0.0);
        assert_eq!(rate(Schedule::Cosine, 0.0, 5.0), 0.5);
        assert_eq!(rate(Schedule::Constant, 0.0, 99.0), 1.0);
        assert_eq!(rate(Schedule::Constant, 4.0, 1.0), 0.25);
        assert_eq!(rate(Schedule::Constant, 4.0, 4.0), 1.0);
    }

    #[test]
    fn a_held_rate_falls_later() {
        let rate = |schedule, decay_until, epoch| {
            let recipe =
                Recipe { schedule, hold_until: 4.0, learning_rate: 1.0, decay_until, ..Recipe::default() };
            learning_rate(&recipe, epoch)
        };
        for schedule in [Schedule::Exponential, Schedule::Linear, Schedule::Cosine, Schedule::Constant] {
            assert_eq!(rate(schedule, 10.0, 4.0), 1.0);
        }
        assert_eq!(rate(Schedule::Exponential, 10.0, 6.5), 0.98 * 0.98);
        assert_eq!(rate(Schedule::Linear, 8.0, 5.0), 0.75);
        assert_eq!(rate(Schedule::Linear, 4.0, 5.0), 0.0);
    }
}
