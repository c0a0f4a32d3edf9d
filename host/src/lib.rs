//! The badge's companion: data, training, evaluation, export, bundles.
