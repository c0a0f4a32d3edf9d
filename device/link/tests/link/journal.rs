//! The wearer's journals over the cable.

use std::ops::ControlFlow;

use emocue_link::client::{Client, ClientError};
use emocue_link::faulty::{Faults, Faulty};
use emocue_link::frame::Body;
use emocue_link::message::{Refusal, Reply, Request, Version};
use emocue_link::transport::pipe;

use crate::common::{Fake, Raw, file, quick, quick_server, serve};

fn on(_: u32, _: &[u8]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn journals_are_listed_and_fetched_also_over_a_bad_cable() {
    let faults = Faults { lose: 0.0002, flip: 0.0002, repeat: 0.02, ..Faults::default() };
    for faults in [Faults::default(), faults] {
        let (near, far) = pipe();
        let journals: Vec<Vec<u8>> = (0..150).map(|at| file(60 + at * 40)).collect();
        let server =
            serve(far, Fake { journals: journals.clone(), ..Fake::default() }, quick_server());
        let mut client = Client::connect(Faulty::new(near, faults, 7), quick()).unwrap();
        let listed = client.journals().unwrap();
        let lengths: Vec<usize> = listed.iter().map(|entry| entry.bytes as usize).collect();
        assert_eq!(lengths, journals.iter().map(Vec::len).collect::<Vec<_>>());
        for number in [1, 2, 150] {
            // The badge continues to append during the transfer.
            assert_eq!(client.journal(number, &mut on).unwrap(), journals[number as usize - 1]);
        }
        let first = client.journal(150, &mut |total, part| {
            assert_eq!(total as usize, journals[149].len() + 1);
            assert!(!part.is_empty());
            ControlFlow::Break(())
        });
        assert!(journals[149].starts_with(&first.unwrap()));
        let refused = client.journal(151, &mut on).unwrap_err();
        assert!(refused.to_string().contains("no journal with this number"), "{refused}");
        client.bye();
        server.join().unwrap();
    }
}

#[test]
fn a_badge_without_journals_has_none() {
    let (near, far) = pipe();
    let server = serve(far, Fake::default(), quick_server());
    let mut client = Client::connect(near, quick()).unwrap();
    assert_eq!(client.journals().unwrap(), []);
    client.bye();
    server.join().unwrap();
}

#[test]
fn a_host_tells_a_badge_that_is_too_old_and_a_badge_does_not_choke_on_the_question() {
    let (near, far) = pipe();
    let old = std::thread::spawn(move || {
        let mut badge = Raw::new(far);
        let hello = badge.hear();
        let version = Version { major: 1, minor: 1 };
        let reply = Reply::Hello { version, program: "0.1.0".into() };
        badge.say(hello.session, hello.sequence, Body::Reply(reply));
        let bye = badge.hear();
        assert_eq!(bye.body, Body::Request(Request::Bye), "it is not even asked");
        badge.say(bye.session, bye.sequence, Body::Reply(Reply::Bye));
    });
    let mut client = Client::connect(near, quick()).unwrap();
    for error in [client.journals().unwrap_err(), client.journal(1, &mut on).unwrap_err()] {
        assert!(matches!(error, ClientError::NoJournals { .. }), "{error}");
        assert!(error.to_string().contains("version 1.1") && error.to_string().contains("1.2"));
        assert_eq!(error.help().unwrap(), "Update the badge.");
    }
    client.bye();
    old.join().unwrap();
}

#[test]
fn a_lying_badge_neither_fills_memory_nor_lists_for_ever() {
    let (near, far) = pipe();
    let server = std::thread::spawn(move || {
        let mut badge = Raw::new(far);
        let hello = badge.hear();
        let version = Version { major: 1, minor: 2 };
        let reply = Reply::Hello { version, program: "0.1.0".into() };
        badge.say(hello.session, hello.sequence, Body::Reply(reply));
        loop {
            let asked = badge.hear();
            let entry = emocue_link::message::JournalEntry { number: 3, bytes: u32::MAX };
            let reply = match asked.body {
                Body::Request(Request::Journals { .. }) => {
                    Reply::Journals { journals: vec![entry; 2] }
                }
                Body::Request(Request::GetJournal { number: 1, .. }) => {
                    Reply::Journal { total: u32::MAX, data: vec![1] }
                }
                Body::Request(Request::GetJournal { .. }) => {
                    Reply::Journal { total: 9, data: Vec::new() }
                }
                Body::Request(Request::Bye) => Reply::Bye,
                _ => Reply::Refused(Refusal::NoSession),
            };
            let is_last = reply == Reply::Bye;
            badge.say(asked.session, asked.sequence, Body::Reply(reply));
            if is_last {
                return;
            }
        }
    });
    let mut client = Client::connect(near, quick()).unwrap();
    assert!(matches!(client.journals(), Err(ClientError::Unexpected { .. })));
    assert!(matches!(client.journal(1, &mut on), Err(ClientError::JournalTooLong(u32::MAX))));
    assert!(matches!(client.journal(2, &mut on), Err(ClientError::Unexpected { .. })));
    client.bye();
    server.join().unwrap();
}
