//! After warm-up, the badge's own code allocates nothing for a frame. tract's allocations inside a network's run are
//! counted separately, by running the same graphs alone on the same inputs; the two sums must be equal.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::io;
use std::time::Instant;

use allocation_counter::measure;
use emocue_config::PanelSize;
use emocue_device::camera::{Camera, FrameInfo, Stills};
use emocue_device::show::json::Json;
use emocue_device::show::panel::Panel;
use emocue_device::show::{Display, ShowSettings, language};
use emocue_device::vision::Vision;
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{self, Bundle};
use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use emocue_run::single_shot::SingleShot;
use emocue_run::{Classifier, Detector, Networks, Recorded, Session};

fn portrait() -> (Luma, FrameInfo) {
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    assert!(Stills::portraits().next(&mut frame, &mut info).unwrap().is_frame());
    (frame, info)
}

fn vision(bundle: &Bundle<'_>) -> Vision {
    let Networks { detector, classifier } = Networks::from_bundle(bundle, None).unwrap();
    let threshold = bundle.manifest().classifier.threshold;
    Vision::new(detector, Box::new(classifier), threshold).unwrap()
}

/// Allocations of running `onnx` alone on each of `inputs`, warm.
fn tract_alone(onnx: &[u8], inputs: &[Recorded]) -> u64 {
    let one = |input: &Recorded| {
        let session = Session::load("alone", onnx, &input.shape).unwrap();
        let run = || drop(session.run(|values| values.copy_from_slice(&input.values)).unwrap());
        run();
        run();
        measure(run).count_total
    };
    inputs.iter().map(one).sum()
}

#[test]
fn only_tract_allocates_for_a_frame_and_always_the_same() {
    let bundle = Bundle::read(bundle::DEFAULT).unwrap();
    let (frame, info) = portrait();

    let DetectorSpec::SingleShot { network, outputs, onet: Some(onet), settings } =
        &bundle.manifest().detector
    else {
        panic!("the default bundle has another detector now");
    };
    let [network, onet] = [network, onet].map(|name| bundle.payload(name).unwrap());
    let mut twin = SingleShot::load(network, *outputs, Some(onet), *settings).unwrap();
    let seen = twin.inputs(&frame).unwrap();
    // O-Net runs on the one face.
    let window = Recorded { shape: vec![1, 1, 48, 48], values: vec![0.0; 48 * 48] };
    let search = tract_alone(network, &seen) + tract_alone(onet, &[window]);

    let side = bundle.manifest().classifier.preprocess.size;
    let classifier = bundle.payload(&bundle.manifest().classifier.network).unwrap();
    let crop = Recorded { shape: vec![1, 1, side, side], values: vec![0.0; side * side] };
    let classify = tract_alone(classifier, &[crop]);
    assert!(search > 0 && classify > 0, "tract allocates, so that counting nothing would be wrong");

    let mut vision = vision(&bundle);
    let mut faces = 0;
    let mut look = || faces = vision.look(&frame, &info).unwrap().faces.len() as u64;
    look();
    look();
    let counts = [(); 3].map(|()| measure(&mut look).count_total);
    assert!(faces > 0);
    assert_eq!(
        counts,
        [search + faces * classify; 3],
        "search {search}, classify {classify}, faces {faces}"
    );
}

/// Networks that return fixed results, without tract.
struct Still(Vec<Face>, Vec<f32>);

impl Detector for Still {
    fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), emocue_run::RunError> {
        faces.clone_from(&self.0);
        Ok(())
    }

    fn can_follow(&self) -> bool {
        true
    }

    fn follow(&mut self, _: &Luma, _: &Rect, _: f32) -> Result<Option<Face>, emocue_run::RunError> {
        Ok(self.0.first().copied())
    }
}

impl Classifier for Still {
    fn labels(&self) -> emocue_models::label::LabelSet {
        emocue_models::label::FERPLUS_8
    }

    fn classify(&mut self, _: &Luma, _: &Face) -> Result<&[f32], emocue_run::RunError> {
        // Another answer each time, so that displays have something to do.
        self.1.rotate_right(1);
        Ok(&self.1)
    }
}

#[test]
fn answers_and_displays_allocate_nothing() {
    let (frame, still) = portrait();
    let bundle = Bundle::read(bundle::DEFAULT).unwrap();
    let faces =
        vision(&bundle).look(&frame, &still).unwrap().faces.iter().map(|f| f.face).collect();
    let mut probabilities = vec![0.0; 8];
    probabilities[0] = 1.0;
    let classifier = Still(Vec::new(), probabilities);
    let mut vision =
        Vision::new(Box::new(Still(faces, Vec::new())), Box::new(classifier), 0.5).unwrap();
    let mut json = Json::new(io::sink(), None);
    let mut panel = Panel::new(PanelSize::Tall);
    let ukrainian = ShowSettings { language: language::load("uk").unwrap(), ..Default::default() };
    // Pictures, and the frames of a stream: searched, followed, classified, settled.
    for step in [None, Some(33)] {
        let mut info = FrameInfo { time_ms: step.map(|_| 0), ..still.clone() };
        let mut show = || {
            let report = vision.look(&frame, &info).unwrap();
            json.show(Some((&frame).into()), report, Instant::now()).unwrap();
            panel.show(report.shown, &ShowSettings::default());
            panel.show(report.shown, &ukrainian);
            info.time_ms = info.time_ms.zip(step).map(|(time, step)| time + step);
        };
        (0..60).for_each(|_| show());
        let counted = measure(|| (0..60).for_each(|_| show()));
        assert_eq!(counted.count_total, 0, "{step:?}: {counted:?}");
    }
}
