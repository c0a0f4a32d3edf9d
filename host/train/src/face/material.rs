//! The pictures from which scenes are drawn: all in memory, from the training half only.

use std::path::{Path, PathBuf};

use emocue_data::DataError;
use emocue_data::faces::{FacePicture, FaceSet, Half, half_of};
use emocue_data::picture::{self, pictures_in};
use emocue_models::bundle::Sha256;
use emocue_models::failure::{Failure, exit};
use emocue_models::geometry::{Face, Point, Rect};
use emocue_run::RunError;
use sha2::{Digest as _, Sha256 as Hasher};

use super::teacher::FaceTeacher;
use super::view::{Pyramid, View, half};
use super::{HEIGHT, WIDTH};

/// Share, of 256, of the training half's pictures that are held out for validation.
const CHOOSING: u8 = 26;
/// Longer side to which larger pictures are reduced, px: twice a frame's.
const LARGEST: usize = 2 * WIDTH;
/// Lowest score of the teacher, `0..=1`, at which a crop is used for training.
const CROP_SCORE: f32 = 0.75;

/// A photograph with its faces.
#[derive(Clone, Debug)]
pub struct Photograph {
    /// The picture.
    pub pyramid: Pyramid,
    /// Faces to detect, px of the picture.
    pub faces: Vec<Face>,
    /// Regions without a target, px of the picture.
    pub ignored: Vec<Rect>,
}

/// A face cut out of its picture.
#[derive(Clone, Debug)]
pub struct Crop {
    /// The picture.
    pub pyramid: Pyramid,
    /// The face in it, as the teacher found it.
    pub face: Face,
}

/// The sources of the pictures.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Sets of marked faces.
    pub sets: Vec<FaceSet>,
    /// Sets of pictures without a face.
    pub empty: Vec<FaceSet>,
    /// Folders of pictures of one face each, which the teacher annotates.
    pub crops: Vec<PathBuf>,
}

impl Sources {
    /// Number of pictures in the training half, crops not counted.
    pub fn count(&self) -> usize {
        self.sets.iter().chain(&self.empty).map(|set| set.in_half(Half::Training).count()).sum()
    }
}

/// All pictures of a training, in memory.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Training pictures.
    pub photographs: Vec<Photograph>,
    /// Training pictures.
    pub crops: Vec<Crop>,
    /// Training pictures without a face.
    pub empty: Vec<Pyramid>,
    /// Validation pictures.
    pub choosing: Vec<Photograph>,
    /// Validation pictures without a face.
    pub choosing_empty: Vec<Pyramid>,
    /// Crops in which the teacher found no face, or several.
    pub unclear: usize,
    /// Hash of everything that was read.
    pub(super) hash: Hasher,
}

/// The pictures cannot be read, or a kind of them is missing.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The teacher failed.
    #[error(transparent)]
    Teacher(#[from] RunError),
    /// There is no picture of a kind.
    #[error("there is no {0} in the training half")]
    Missing(&'static str),
}

impl Failure for MaterialError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.help(),
            Self::Teacher(_) => Some("Name YuNet's graph as `emocue import onnx` wrote it.".to_owned()),
            Self::Missing(_) => Some(
                "Half of every set, by the hash of its file names, is kept for judging; bring more pictures."
                    .to_owned(),
            ),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Data(error) => error.exit_code(),
            Self::Teacher(error) => error.exit_code(),
            Self::Missing(_) => exit::INPUT,
        }
    }
}

impl Material {
    /// Reads the training half of `sources`; `read` receives how many more pictures are done.
    ///
    /// # Errors
    /// [`MaterialError`] when a picture cannot be read, the teacher fails, or no photograph or no empty picture is left.
    pub fn read(
        sources: &Sources,
        teacher: &FaceTeacher,
        read: &dyn Fn(usize),
    ) -> Result<Self, MaterialError> {
        let mut material = Self::default();
        for set in &sources.sets {
            for picture in set.in_half(Half::Training) {
                let photograph = material.photograph(picture)?;
                match is_choosing(&picture.name) {
                    true => material.choosing.push(photograph),
                    false => material.photographs.push(photograph),
                }
                read(1);
            }
        }
        for set in &sources.empty {
            for picture in set.in_half(Half::Training) {
                let (pyramid, _) = material.pyramid(&picture.file)?;
                match is_choosing(&picture.name) {
                    true => material.choosing_empty.push(pyramid),
                    false => material.empty.push(pyramid),
                }
                read(1);
            }
        }
        for folder in &sources.crops {
            let training = |file: &PathBuf| half_of(&file.to_string_lossy()) == Half::Training;
            for file in pictures_in(folder)?.into_iter().filter(training) {
                let (pyramid, _) = material.pyramid(&file)?;
                match face_of_crop(&pyramid, teacher)? {
                    Some(face) => material.crops.push(Crop { pyramid, face }),
                    None => material.unclear += 1,
                }
                read(1);
            }
        }
        let kinds = [
            (material.photographs.is_empty(), "photograph with marked faces"),
            (material.empty.is_empty(), "picture without a face"),
        ];
        match kinds.into_iter().find(|(missing, _)| *missing) {
            Some((_, kind)) => Err(MaterialError::Missing(kind)),
            None => Ok(material),
        }
    }

    /// A hash of all pictures and annotations: a training is resumed only with the same.
    pub fn fingerprint(&self) -> String {
        Sha256(self.hash.clone().finalize().into()).to_string()
    }

    fn photograph(&mut self, picture: &FacePicture) -> Result<Photograph, DataError> {
        let (pyramid, scale) = self.pyramid(&picture.file)?;
        let view = View::new(Point::default(), Point::default(), [scale; 2], false);
        let face = |marked: &emocue_data::faces::MarkedFace| {
            view.face(&Face {
                rect: marked.rect,
                score: marked.score.unwrap_or(1.0),
                landmarks: marked.landmarks,
            })
        };
        let (ignored, marked): (Vec<_>, Vec<_>) = picture.faces.iter().partition(|f| f.ignore);
        for marked in &picture.faces {
            let Rect { x, y, width, height } = marked.rect;
            for value in [x, y, width, height] {
                self.hash.update(value.to_le_bytes());
            }
        }
        Ok(Photograph {
            pyramid,
            faces: marked.into_iter().map(face).collect(),
            ignored: ignored.into_iter().map(|marked| face(marked).rect).collect(),
        })
    }

    /// Reads a picture, reduced if it is large, and returns the scale.
    fn pyramid(&mut self, file: &Path) -> Result<(Pyramid, f32), DataError> {
        let picture = picture::read(file)?;
        self.hash.update(Sha256::of(picture.pixels()).0);
        let (mut picture, mut scale) = (picture, 1.0);
        while picture.width().max(picture.height()) > LARGEST {
            (picture, scale) = (half(&picture), scale / 2.0);
        }
        Ok((Pyramid::new(picture), scale))
    }
}

/// Whether a picture of the training half is held out for validation.
fn is_choosing(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Sha256::of(last.as_bytes()).0[1] < CHOOSING
}

/// The only face of a crop, px of the crop. The teacher gets the crop at its own size, up to the frame's height.
fn face_of_crop(pyramid: &Pyramid, teacher: &FaceTeacher) -> Result<Option<Face>, RunError> {
    let (width, height) = (pyramid.picture().width() as f32, pyramid.picture().height() as f32);
    let scale = (0.8 * HEIGHT as f32 / width.max(height)).min(1.0);
    let (from, to) = (Point::new(width / 2.0, height / 2.0), middle());
    let mut frame = vec![128; WIDTH * HEIGHT];
    View::new(from, to, [scale; 2], false).draw(pyramid, 0.0, &mut frame);
    let frame: Vec<f32> = frame.into_iter().map(f32::from).collect();
    let seen: Vec<_> = teacher.look(&frame)?.iter().map(|kept| kept.cell()).collect();
    let Some(best) = seen.iter().max_by(|a, b| a.score.total_cmp(&b.score)) else {
        return Ok(None);
    };
    let stranger = seen.iter().any(|cell| cell.score > 0.5 && cell.rect.iou(&best.rect) < 0.3);
    if best.score < CROP_SCORE || stranger {
        return Ok(None);
    }
    let back = View::new(to, from, [1.0 / scale; 2], false);
    let found = Face { rect: best.rect, score: best.score, landmarks: best.landmarks };
    Ok(Some(back.face(&found)))
}

/// The centre of a frame, px.
pub fn middle() -> Point {
    Point::new(WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0)
}
