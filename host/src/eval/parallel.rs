//! Work on many pictures by several threads; the result does not depend on their number.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The results of `work` for `0..count`, in order. Each thread has its own value from `open`. Of several errors, the
/// one with the lowest index is returned.
pub(super) fn run<S, T: Send, E: Send>(
    threads: usize,
    count: usize,
    open: impl Fn() -> Result<S, E> + Sync,
    work: impl Fn(&mut S, usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let thread = || {
        let mut done = Vec::new();
        let mut state = match open() {
            Ok(state) => state,
            Err(error) => return vec![(0, Err(error))],
        };
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                break;
            }
            let result = work(&mut state, at);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            done.push((at, result));
        }
        done
    };
    let mut all: Vec<(usize, Result<T, E>)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(thread)).collect();
        let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        handles.into_iter().flat_map(join).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let squares = |threads| run(threads, 50, || Ok::<_, ()>(()), |(), at| Ok(at * at));
        assert_eq!(squares(1), squares(7));
        assert_eq!(squares(3).unwrap()[49], 2401);
    }

    #[test]
    fn errors_stop_the_work() {
        let fails = run(3, 1000, || Ok(()), |(), at| if at < 5 { Ok(at) } else { Err(at) });
        assert!((5..8).contains(&fails.unwrap_err()));
        assert_eq!(run(2, 9, || Err::<(), _>("no"), |(), at| Ok(at)), Err("no"));
    }
}
