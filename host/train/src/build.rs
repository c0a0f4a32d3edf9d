//! Builds a recipe's network and optimiser in burn.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, SgdConfig};
use burn::tensor::Device;

use crate::net::Network;
use crate::recipe::{Optimizer, Recipe, Rule};

/// The recipe's network, with weights that are drawn when they are first read.
pub fn network(recipe: &Recipe, device: &Device) -> Network {
    Network::new(&recipe.net, &recipe.label_sets(), device).rounded(recipe.rounding)
}

/// The optimiser of `settings`.
pub fn optimizer(settings: &Optimizer) -> ModuleOptimizer {
    let decay =
        (settings.weight_decay > 0.0).then(|| WeightDecayConfig::new(settings.weight_decay));
    match settings.rule {
        Rule::Sgd { momentum, nesterov } => {
            // burn's default dampening is not 0, unlike that of plain momentum.
            let momentum = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            SgdConfig::new().with_weight_decay(decay).with_momentum(Some(momentum)).init()
        }
        Rule::Adam { beta_1, beta_2 } => AdamConfig::new()
            .with_weight_decay(decay)
            .with_beta_1(beta_1)
            .with_beta_2(beta_2)
            .with_epsilon(1e-8)
            .init(),
        Rule::AdamW { beta_1, beta_2 } => AdamWConfig::new()
            .with_weight_decay(settings.weight_decay)
            .with_beta_1(beta_1)
            .with_beta_2(beta_2)
            .with_epsilon(1e-8)
            .init(),
    }
}
