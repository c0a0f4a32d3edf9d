//! Questions to the wearer, for hosts of every version.

use emocue_link::consent::{Ask, Question};
use emocue_link::message::{Progress, Reply, Request, VERSION, Version};
use emocue_link::transport::pipe;

use crate::common::{Fake, Raw, quick_server, serve};

pub(crate) const QUESTION: Question =
    Question { ask: Ask::NewMaker, key: [1; 32], sha256: [2; 32], number: [3; 16] };

#[test]
fn a_host_of_version_1_0_gets_a_question_in_words_that_it_knows() {
    let (near, far) = pipe();
    let states = vec![Progress::Asks(QUESTION), Progress::Asks(QUESTION)];
    let server = serve(far, Fake { states, ..Fake::default() }, quick_server());
    let mut raw = Raw::new(near);
    for (session, minor, words) in [(1, 0, true), (2, 1, false)] {
        raw.ask(session, 1, Request::Hello { version: Version { minor, ..VERSION } });
        match raw.ask(session, 2, Request::Progress) {
            Reply::Progress(Progress::PressButton(text)) => {
                assert!(words && text.contains(&QUESTION.code().to_string()), "{text}");
                assert!(text.contains("hold its button") && text.contains("new maker"), "{text}");
            }
            other => {
                assert!(!words);
                assert_eq!(other, Reply::Progress(Progress::Asks(QUESTION)));
            }
        }
        assert_eq!(raw.ask(session, 3, Request::Bye), Reply::Bye);
    }
    drop(raw);
    server.join().unwrap();
}
