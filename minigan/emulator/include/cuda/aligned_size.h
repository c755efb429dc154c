// cuda::aligned_size_t: a number of bytes, and a promise of the addresses that go with it.
#pragma once

namespace cuda {
template <size_t ALIGNMENT> struct aligned_size_t {
    static constexpr size_t align = ALIGNMENT;
    size_t value;
    constexpr explicit aligned_size_t(size_t size) : value(size) {}
    constexpr operator size_t() const { return value; }
};
template <size_t ALIGNMENT> constexpr size_t alignment_of(const aligned_size_t<ALIGNMENT>&) { return ALIGNMENT; }
template <class Size> constexpr size_t alignment_of(const Size&) { return 1; }

enum thread_scope { thread_scope_system, thread_scope_device, thread_scope_block, thread_scope_thread };
}  // namespace cuda
