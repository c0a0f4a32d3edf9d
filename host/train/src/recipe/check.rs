//! The range of every setting.

use emocue_models::label::{LABEL_SETS, LabelSet};

use super::{Decay, Recipe, RecipeError, Rule};

impl Recipe {
    /// Refuses a value outside its range.
    ///
    /// # Errors
    /// [`RecipeError::Range`] naming the setting; `name` is the recipe's in the message.
    pub fn check(&self, name: &str) -> Result<(), RecipeError> {
        let range = |setting: &str, value: String, expected: &str| {
            RecipeError::Range(name.to_owned(), setting.to_owned(), value, expected.to_owned())
        };
        self.net.check().map_err(|error| {
            range(&format!("net.{}", error.setting), error.value.clone(), &error.expected)
        })?;
        if self.heads.is_empty() {
            return Err(range("heads", "empty".into(), "at least one"));
        }
        for (at, head) in self.heads.iter().enumerate() {
            let twice = self.heads[..at].iter().any(|other| other.labels == head.labels);
            if twice || LabelSet::by_id(&head.labels).is_none() {
                let known = LABEL_SETS.iter().map(|set| set.id).collect::<Vec<_>>().join(", ");
                let expected = format!("each one of: {known}, once");
                return Err(range("heads.labels", format!("\"{}\"", head.labels), &expected));
            }
        }
        for (setting, value, low, high) in self.numbers() {
            if !(low..=high).contains(&value) {
                return Err(range(&setting, value.to_string(), &format!("{low} to {high}")));
            }
        }
        Ok(())
    }

    /// Every number with its least and greatest value.
    fn numbers(&self) -> Vec<(String, f64, f64, f64)> {
        const BELOW_ONE: f64 = 0.999_999;
        let (opt, time, aug) = (&self.optimizer, &self.schedule, &self.augment);
        let mut rules = vec![
            ("input.mean", self.input.mean.into(), 0.0, 1.0),
            ("input.std", self.input.std.into(), 1e-3, 100.0),
            ("optimizer.learning_rate", opt.learning_rate, 1e-9, 100.0),
            ("optimizer.weight_decay", opt.weight_decay.into(), 0.0, 1.0),
            ("optimizer.batch", opt.batch as f64, 2.0, 65536.0),
            ("optimizer.accumulate", opt.accumulate as f64, 1.0, 65536.0),
            ("optimizer.ema_decay", opt.ema_decay.into(), 0.0, BELOW_ONE),
            ("schedule.epochs", time.epochs as f64, 1.0, 10000.0),
            ("schedule.warmup_epochs", time.warmup_epochs, 0.0, 10000.0),
            ("augment.rotate_degrees", aug.rotate_degrees.into(), 0.0, 180.0),
            ("augment.scale", aug.scale.into(), 0.0, 0.9),
            ("augment.shift", aug.shift.into(), 0.0, 0.5),
            ("augment.brightness", aug.brightness.into(), 0.0, 1.0),
            ("augment.contrast", aug.contrast.into(), 0.0, 1.0),
            ("augment.erase", aug.erase.into(), 0.0, 1.0),
            ("augment.mixup", aug.mixup.into(), 0.0, 10.0),
            ("distill.weight", self.distill.weight.into(), 0.0, 1.0),
            ("distill.temperature", self.distill.temperature.into(), 0.1, 100.0),
        ];
        match opt.rule {
            Rule::Sgd { momentum, .. } => {
                rules.push(("optimizer.rule.momentum", momentum, 0.0, BELOW_ONE));
            }
            Rule::Adam { beta_1, beta_2 } | Rule::AdamW { beta_1, beta_2 } => {
                rules.push(("optimizer.rule.beta_1", beta_1.into(), 0.0, BELOW_ONE));
                rules.push(("optimizer.rule.beta_2", beta_2.into(), 0.0, BELOW_ONE));
            }
        }
        match time.decay {
            Decay::Constant | Decay::Cosine => {}
            Decay::Step { every, factor } => {
                rules.push(("schedule.decay.every", every as f64, 1.0, 10000.0));
                rules.push(("schedule.decay.factor", factor, 0.0, 1.0));
            }
            Decay::Plateau { patience, factor, floor } => {
                rules.push(("schedule.decay.patience", patience as f64, 1.0, 10000.0));
                rules.push(("schedule.decay.factor", factor, 0.0, 1.0));
                rules.push(("schedule.decay.floor", floor, 0.0, 1.0));
            }
        }
        let owned =
            |(setting, value, low, high): (&str, _, _, _)| (setting.to_owned(), value, low, high);
        let mut rules: Vec<_> = rules.into_iter().map(owned).collect();
        for head in &self.heads {
            let of = |key: &str| format!("heads.{key} of {}", head.labels);
            rules.push((of("weight"), head.weight.into(), 0.0, 100.0));
            rules.push((of("label_smoothing"), head.label_smoothing.into(), 0.0, BELOW_ONE));
        }
        rules
    }
}
