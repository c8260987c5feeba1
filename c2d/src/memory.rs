//! Memory that is free again goes back to the system.
//!
//! glibc would keep it: each of its arenas up to twice the largest block that was ever freed. One batch of
//! many jobs, or one worker that says too much, would make c2d large for as long as it runs.

/// Blocks from this size on are given back one by one as soon as they are free.
#[cfg(target_env = "gnu")]
const ALONE_BYTES: libc::c_int = 256 * 1024;
/// Free memory at the end of the heap beyond which it is given back.
#[cfg(target_env = "gnu")]
const KEPT_BYTES: libc::c_int = 512 * 1024;

/// To be called before there are other threads.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "there is no other way to tell the allocator")]
pub fn give_back() {
    // One arena: what is freed in it serves all threads, and c2d has few that allocate at the same time.
    for (option, value) in
        [(libc::M_ARENA_MAX, 1), (libc::M_MMAP_THRESHOLD, ALONE_BYTES), (libc::M_TRIM_THRESHOLD, KEPT_BYTES)]
    {
        // SAFETY: it takes two numbers, and refuses those that it does not know.
        let _is_known = unsafe { libc::mallopt(option, value) };
    }
}

/// Other allocators give it back by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
