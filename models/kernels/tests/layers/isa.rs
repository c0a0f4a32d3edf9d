//! The instruction sets that are tested are those that the processor has, by the kernel's own list.

#![cfg(target_os = "linux")]

use emocue_kernels::Isa;

#[test]
fn every_instruction_set_of_the_processor_is_tested() {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap();
    let key = if cfg!(target_arch = "aarch64") { "Features" } else { "flags" };
    let line = text.lines().find(|line| line.starts_with(key));
    // Under QEMU's user mode, ARM programs see the file of the computer.
    let Some(line) = line else {
        if cfg!(target_arch = "x86_64") {
            panic!("no line {key} in {text}");
        }
        return;
    };
    let flags: Vec<&str> = line.split_whitespace().collect();
    let has = |all: &[&str]| all.iter().all(|flag| flags.contains(flag));
    let mut expected = vec!["portable"];
    if cfg!(target_arch = "x86_64") {
        let avx2 = has(&["avx2", "fma"]);
        let avx512 = avx2 && has(&["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"]);
        let sets = [("avx2", avx2), ("avx-vnni", avx2 && has(&["avx_vnni"]) || avx512)];
        expected.extend(sets.iter().filter(|(_, has)| *has).map(|(name, _)| *name));
        expected.extend(avx512.then_some("avx512-vnni"));
    }
    if cfg!(target_arch = "aarch64") {
        expected.push("neon");
        expected.extend(has(&["asimddp"]).then_some("neon-dot"));
    }
    let tested: Vec<_> = Isa::available().map(Isa::name).collect();
    assert_eq!(tested, expected);
}
