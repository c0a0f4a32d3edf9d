//! Protocols, which define the rows that count and the right class. Every figure belongs to a protocol.

use emocue_models::label::{FERPLUS_8, LabelSet};

use emocue_data::dataset::Dataset;
use emocue_data::model::mapped;
use emocue_data::votes::Votes;

/// A protocol.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Its name in figures and JSON, such as `"ferplus.plurality"`.
    pub name: &'static str,
    /// Description for users.
    pub about: &'static str,
    /// The label set of [`Protocol::truth`].
    pub labels: fn(&Dataset) -> LabelSet,
    /// The right class of a row; `None` if the row does not count.
    pub truth: fn(&Dataset, usize) -> Option<usize>,
    /// Whether it needs FER+ votes and a network with all eight classes.
    pub by_votes: bool,
}

/// All protocols, the main one first.
pub const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "ferplus.plurality",
        about: "FER+ by plurality: the top vote, where it is one of the eight classes",
        labels: |_| FERPLUS_8,
        truth: |data, row| data.votes(row).and_then(Votes::plurality),
        by_votes: true,
    },
    Protocol {
        name: "ferplus.authors",
        about: "FER+ as its authors test: single votes dropped, then more than half of the rest",
        labels: |_| FERPLUS_8,
        truth: |data, row| data.votes(row).and_then(Votes::authors),
        by_votes: true,
    },
    Protocol {
        name: "ferplus.majority",
        about: "FER+ by majority: more than half of all ten votes",
        labels: |_| FERPLUS_8,
        truth: |data, row| data.votes(row).and_then(Votes::above_half),
        by_votes: true,
    },
    Protocol {
        name: "label",
        about: "the dataset's own label",
        labels: Dataset::labels,
        truth: |data, row| Some(data.label(row)),
        by_votes: false,
    },
];

impl Protocol {
    /// The protocol with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PROTOCOLS.iter().find(|protocol| protocol.name == name)
    }
}

/// A protocol applied to one dataset and one network's classes, matched by name.
///
/// If the network has every class of the truth, its other classes are left out and the rest is scaled to sum 1: eight
/// FER+ classes are scored on FER2013's seven. If not, the truth is mapped to the network's classes, and rows of other
/// classes are not scored.
#[derive(Clone, Debug)]
pub struct AppliedProtocol<'a> {
    /// The protocol.
    pub protocol: &'static Protocol,
    /// Classes that are scored.
    pub labels: LabelSet,
    data: &'a Dataset,
    /// From the truth's classes to the scored ones.
    truth: Vec<Option<usize>>,
    /// From the network's classes to the scored ones.
    answer: Vec<Option<usize>>,
}

impl<'a> AppliedProtocol<'a> {
    /// `None` if the protocol does not apply to this dataset or this network.
    pub fn new(protocol: &'static Protocol, data: &'a Dataset, network: LabelSet) -> Option<Self> {
        let of_truth = (protocol.labels)(data);
        let knows_all = of_truth.names.iter().all(|name| network.index_of(name).is_some());
        if protocol.by_votes && !(data.has_votes() && knows_all) {
            return None;
        }
        let labels = if knows_all { of_truth } else { network };
        let (truth, answer) = (of_truth.mapping_to(&labels), network.mapping_to(&labels));
        truth.iter().any(Option::is_some).then_some(Self { protocol, labels, data, truth, answer })
    }

    /// Every protocol that applies, in the order of [`PROTOCOLS`].
    pub fn all(data: &'a Dataset, network: LabelSet) -> Vec<Self> {
        PROTOCOLS.iter().filter_map(|protocol| Self::new(protocol, data, network)).collect()
    }

    /// The right class of a row; `None` if it does not count.
    pub fn truth(&self, row: usize) -> Option<usize> {
        self.truth[(self.protocol.truth)(self.data, row)?]
    }

    /// The network's probabilities over the scored classes, sum 1.
    pub fn answer(&self, probabilities: &[f32]) -> Vec<f32> {
        mapped(probabilities, &self.answer, self.labels.len())
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::{AFFECTNET_8, CK_7, FER_7, VALENCE_3};

    use super::*;
    use emocue_data::Split;
    use emocue_data::dataset::Row;

    fn dataset(labels: LabelSet, classes: &[usize]) -> Dataset {
        let mut data = Dataset::new("test", labels, 1);
        for label in classes {
            let (split, origin) = (Split::PrivateTest, String::new());
            data.push(Row { split, label: *label, subject: None, origin }, &[0]);
        }
        data
    }

    fn names(data: &Dataset, network: LabelSet) -> Vec<&'static str> {
        AppliedProtocol::all(data, network).iter().map(|applied| applied.protocol.name).collect()
    }

    #[test]
    fn eight_classes_are_scored_four_ways_and_seven_by_label() {
        let data = dataset(FER_7, &[3]);
        assert_eq!(names(&data, FERPLUS_8), ["label"]);
        let data = data.with_votes(vec![Votes([0, 5, 3, 1, 1, 0, 0, 0, 0, 0])]);
        let all = ["ferplus.plurality", "ferplus.authors", "ferplus.majority", "label"];
        assert_eq!(names(&data, FERPLUS_8), all);
        assert_eq!(names(&data, AFFECTNET_8), all);
        assert_eq!(names(&data, FER_7), ["label"]);
        let truths: Vec<_> =
            AppliedProtocol::all(&data, FERPLUS_8).iter().map(|r| r.truth(0)).collect();
        assert_eq!(truths, [Some(1), Some(1), None, Some(3)]);
        assert_eq!(Protocol::by_name("label").unwrap().name, "label");
    }

    #[test]
    fn what_the_truth_does_not_know_is_left_out() {
        let data = dataset(FER_7, &[0]);
        let applied = &AppliedProtocol::all(&data, FERPLUS_8)[0];
        let mut probabilities = [0.0; 8];
        probabilities[1] = 0.3;
        probabilities[7] = 0.7;
        let seven = applied.answer(&probabilities);
        assert_eq!(seven[FER_7.index_of("happiness").unwrap()], 1.0);
        assert_eq!(seven.iter().sum::<f32>(), 1.0);
        let nothing = applied.answer(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert!(nothing.iter().all(|p| (p - 1.0 / 7.0).abs() < 1e-6), "{nothing:?}");
    }

    #[test]
    fn what_the_network_does_not_know_is_not_scored() {
        // Anger and contempt, for a network without contempt.
        let data = dataset(CK_7, &[0, 6]);
        let applied = &AppliedProtocol::all(&data, FER_7)[0];
        assert_eq!(applied.labels, FER_7);
        assert_eq!((applied.truth(0), applied.truth(1)), (Some(0), None));
        // Surprise maps to no class of valence.
        let data = dataset(FER_7, &[0, 3, 5]);
        let applied = &AppliedProtocol::all(&data, VALENCE_3)[0];
        assert_eq!([0, 1, 2].map(|row| applied.truth(row)), [Some(2), Some(0), None]);
        assert_eq!(applied.answer(&[0.2, 0.3, 0.5]), [0.2, 0.3, 0.5]);
    }
}
