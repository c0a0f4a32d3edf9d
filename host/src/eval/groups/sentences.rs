//! Sentences about the most notable differences between groups, for a model card.

use emocue_data::degrade::Condition;

use super::{EVERYBODY, FoundFigure, GroupFigures, GroupsResult, GroupsUnder, LEAST};
use crate::eval::detector::interval::Figure;

/// A group as a noun phrase, after "of" or "for".
fn people(group: &str) -> String {
    match group {
        EVERYBODY => "everybody".to_owned(),
        _ if group.starts_with("aged ") => format!("people {group}"),
        _ => format!("people labelled {group}"),
    }
}

fn words(condition: &str) -> &str {
    Condition::of_row(condition).map_or("as they are", |condition| condition.about)
}

fn percent(figure: Figure) -> String {
    format!("{:.0} %", 100.0 * figure.value)
}

/// Every group with enough faces under every condition.
fn all(result: &GroupsResult) -> impl Iterator<Item = (&GroupsUnder, &GroupFigures)> {
    let enough = |group: &&GroupFigures| group.group != EVERYBODY && group.agreement.of >= LEAST;
    let conditions = result.conditions.iter().skip(1);
    conditions
        .flat_map(move |under| under.groups.iter().filter(enough).map(move |group| (under, group)))
}

/// The sentences, the worst first; empty if every group is too small.
pub fn sentences(result: &GroupsResult) -> Vec<String> {
    let found =
        [changed(result), apart(result), surely_changed(result), unsure(result), missed(result)];
    found.into_iter().flatten().collect()
}

fn changed(result: &GroupsResult) -> Option<String> {
    let (under, worst) =
        all(result).min_by(|a, b| a.1.agreement.value.total_cmp(&b.1.agreement.value))?;
    let everybody = under.group(EVERYBODY)?.agreement;
    Some(format!(
        "The answer changed most often for {}, {}: it stayed the same for {} of {} faces, for {} of all.",
        people(&worst.group),
        words(&under.condition),
        percent(worst.agreement),
        worst.agreement.of,
        percent(everybody)
    ))
}

/// The condition under which groups differ most.
fn apart(result: &GroupsResult) -> Option<String> {
    let spread = |under: &&GroupsUnder| under.spread.unwrap_or(-1.0);
    let under = result.conditions.iter().max_by(|a, b| spread(a).total_cmp(&spread(b)))?;
    let worst = under.group(under.worst.as_ref()?)?;
    let enough = under.groups.iter().filter(|g| g.group != EVERYBODY && g.agreement.of >= LEAST);
    let best = enough.max_by(|a, b| a.agreement.value.total_cmp(&b.agreement.value))?;
    Some(format!(
        "Groups differed most {}: the answer stayed the same for {} of the faces of {} and for {} of those of {}.",
        words(&under.condition),
        percent(worst.agreement),
        people(&worst.group),
        percent(best.agreement),
        people(&best.group)
    ))
}

/// The worst case for a wearer: an answer that is shown and differs from the one for the clean face.
fn surely_changed(result: &GroupsResult) -> Option<String> {
    let of_sure = all(result).filter_map(|(under, group)| {
        Some((under, group, group.sure_changed.filter(|figure| figure.of >= LEAST)?))
    });
    let (under, group, figure) = of_sure.max_by(|a, b| a.2.value.total_cmp(&b.2.value))?;
    Some(format!(
        "Answers that were shown as sure were most often others than those to the clean face for {}, {}: {} of {}.",
        people(&group.group),
        words(&under.condition),
        percent(figure),
        figure.of
    ))
}

fn unsure(result: &GroupsResult) -> Option<String> {
    let clean = result.conditions.first()?;
    let enough = clean.groups.iter().filter(|g| g.group != EVERYBODY && g.agreement.of >= LEAST);
    let least = enough.min_by(|a, b| a.coverage.value.total_cmp(&b.coverage.value))?;
    let everybody = clean.group(EVERYBODY)?.coverage;
    Some(format!(
        "On clean faces an answer was least often sure for {}: {}, for everybody {}.",
        people(&least.group),
        percent(least.coverage),
        percent(everybody)
    ))
}

fn missed(result: &GroupsResult) -> Option<String> {
    let enough = |f: &&FoundFigure| f.group != EVERYBODY && f.found.of >= LEAST;
    let by_found = |a: &&FoundFigure, b: &&FoundFigure| a.found.value.total_cmp(&b.found.value);
    let least = result.found.iter().filter(enough).min_by(by_found)?;
    Some(format!(
        "The detector found a face least often in pictures of {}: in {} of {}.",
        people(&least.group),
        percent(least.found),
        least.found.of
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::detector::interval::share;

    fn result() -> GroupsResult {
        let group = |name: &str, same: usize, sure: usize, changed: usize| GroupFigures {
            group: name.to_owned(),
            agreement: share(same, 100).unwrap(),
            coverage: share(sure, 100).unwrap(),
            sure_changed: share(changed, sure),
            accuracy: None,
        };
        let under = |condition: &str, groups: Vec<GroupFigures>| {
            GroupsUnder::of(condition, condition == "clean", groups)
        };
        let clean = vec![
            group(EVERYBODY, 100, 80, 0),
            group("Black", 100, 70, 0),
            group("aged 70 and more", 100, 85, 0),
        ];
        let dark = vec![
            group(EVERYBODY, 40, 60, 30),
            group("Black", 30, 50, 20),
            group("aged 70 and more", 45, 60, 33),
        ];
        let found = FoundFigure { group: "Black".into(), found: share(97, 100).unwrap() };
        GroupsResult {
            set: "faces".into(),
            pictures: 103,
            faces: 100,
            found: vec![found],
            conditions: vec![under("clean", clean), under("light x0.1", dark)],
            sentences: Vec::new(),
        }
    }

    #[test]
    fn the_worst_comes_first_and_names_group_condition_and_figures() {
        let about = Condition::of_row("light x0.1").unwrap().about;
        let sentences = sentences(&result());
        assert_eq!(sentences.len(), 5);
        assert_eq!(
            sentences[0],
            format!(
                "The answer changed most often for people labelled Black, {about}: it stayed the same for 30 % of 100 \
                 faces, for 40 % of all."
            )
        );
        assert!(sentences[1].contains("30 %") && sentences[1].contains("people aged 70 and more"));
        assert!(
            sentences[2].contains("people aged 70 and more") && sentences[2].contains("55 % of 60")
        );
        assert!(sentences[3].contains("people labelled Black: 70 %, for everybody 80 %"));
        assert!(sentences[4].contains("in 97 % of 100"));
    }
}
