//! The range of every setting.

use emocue_data::layout::DatasetLayout;
use emocue_models::label::{LABEL_SETS, LabelSet};

use super::{Decay, Recipe, RecipeError, Rule};

impl Recipe {
    /// Refuses a value that is out of its range.
    ///
    /// # Errors
    /// [`RecipeError::Range`] naming the setting; `name` names the recipe in the message.
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
        if self.heads.iter().all(|head| head.weight == 0.0) {
            return Err(range("heads.weight", "0 for each".into(), "at least one above 0"));
        }
        for (at, share) in self.datasets.iter().enumerate() {
            let layouts = DatasetLayout::ALL.map(|layout| layout.name());
            let twice = self.datasets[..at].iter().any(|other| other.layout == share.layout);
            if twice || !layouts.contains(&share.layout.as_str()) {
                let expected = format!("each one of: {}, once", layouts.join(", "));
                return Err(range("datasets.layout", format!("\"{}\"", share.layout), &expected));
            }
            let of_recipe =
                |labels: &&String| self.heads.iter().any(|head| head.labels == **labels);
            if let Some(labels) = share.heads.iter().find(|labels| !of_recipe(labels)) {
                let expected = "label sets of the recipe's heads";
                return Err(range("datasets.heads", format!("\"{labels}\""), expected));
            }
        }
        for (setting, value, low, high) in self.numbers() {
            if !(low..=high).contains(&value) {
                return Err(range(&setting, value.to_string(), &format!("{low} to {high}")));
            }
        }
        Ok(())
    }

    /// Every number with its smallest and largest value.
    fn numbers(&self) -> Vec<(String, f64, f64, f64)> {
        const BELOW_ONE: f64 = 0.999_999;
        let (opt, time) = (&self.optimizer, &self.schedule);
        let mut rules = vec![
            ("input.mean", self.input.mean.into(), 0.0, 1.0),
            ("input.std", self.input.std.into(), 1e-3, 100.0),
            ("input.floor", self.input.floor.into(), 0.5, 64.0),
            ("input.gain", self.input.gain.into(), 0.05, 10.0),
            ("optimizer.learning_rate", opt.learning_rate, 1e-9, 100.0),
            ("optimizer.weight_decay", opt.weight_decay.into(), 0.0, 1.0),
            ("optimizer.batch", opt.batch as f64, 2.0, 65536.0),
            ("optimizer.accumulate", opt.accumulate as f64, 1.0, 65536.0),
            ("optimizer.ema_decay", opt.ema_decay.into(), 0.0, BELOW_ONE),
            ("schedule.epochs", time.epochs as f64, 1.0, 10000.0),
            ("schedule.warmup_epochs", time.warmup_epochs, 0.0, 10000.0),
            ("distill.weight", self.distill.weight.into(), 0.0, 1.0),
            ("distill.temperature", self.distill.temperature.into(), 0.1, 100.0),
        ];
        rules.extend(self.augment.numbers());
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
        for share in &self.datasets {
            let name = format!("datasets.weight of {}", share.layout);
            rules.push((name, share.weight.into(), 0.0, 100.0));
        }
        for head in &self.heads {
            let of = |key: &str| format!("heads.{key} of {}", head.labels);
            rules.push((of("weight"), head.weight.into(), 0.0, 100.0));
            rules.push((of("label_smoothing"), head.label_smoothing.into(), 0.0, BELOW_ONE));
        }
        rules
    }
}
