// From Python into a kernel: its arguments unpacked by its own function type, its types told.
#pragma once

#include "grid.h"
#include "threads.h"
#include "types.h"

namespace minigan {

template <int...> struct Numbers {};
template <int N, int... Rest> struct Count : Count<N - 1, N - 1, Rest...> {};
template <int... Rest> struct Count<0, Rest...> { using type = Numbers<Rest...>; };

// The arguments are copied out of Python's memory once, so that the compiler knows that no thread changes them.
template <class F, F kernel, class... A> inline void live_with(A... arguments) {
    live(here(), [=] { kernel(arguments...); });
}
template <class F, F kernel, class... A, int... I>
inline void unpack(void (*)(A...), void** arguments, Numbers<I...>) {
    live_with<F, kernel, A...>(*static_cast<typename Plain<A>::type*>(arguments[I])...);
}
template <class... A> typename Count<sizeof...(A)>::type numbers_of(void (*)(A...)) { return {}; }
template <class... A> constexpr bool takes_values(void (*)(A...)) { return (!IS_REFERENCE<A> && ...); }  // else it is refused

// The life of a fiber of this kernel. The kernel is a template's parameter, so that the compiler can inline it.
template <class F, F kernel> void life() {
    if constexpr (takes_values(kernel)) unpack<F, kernel>(kernel, here().launch->arguments, numbers_of(kernel));
}
}  // namespace minigan

// Where a kernel's `extern __shared__` array lies.
inline void* minigan_dynamic_shared() { return minigan::here().shared; }

#ifndef MINIGAN_SANITIZE  // else it is the observer's
#include "runtime.h"
#endif

// A dynamic shared array that is declared outside of any function.
template <class T> struct MiniganDynamic {
    operator T*() const { return static_cast<T*>(minigan_dynamic_shared()); }
    template <class U> explicit operator U*() const { return static_cast<U*>(minigan_dynamic_shared()); }
    template <class I> T& operator[](I i) const { return static_cast<T*>(minigan_dynamic_shared())[i]; }
};

// Behind the kernel's text, so with names that no macro of it has. The kernel may be spelt with commas.
#define MINIGAN_EXPORT(MINIGAN_LABEL, ...)                                                                          \
    extern "C" __attribute__((visibility("default"))) void (*minigan_life_##MINIGAN_LABEL())() {                    \
        return &minigan::life<decltype(&__VA_ARGS__), &__VA_ARGS__>;                                                \
    }                                                                                                               \
    extern "C" __attribute__((visibility("default"))) void minigan_types_##MINIGAN_LABEL(char* minigan_to,          \
                                                                                         unsigned long minigan_n) { \
        minigan::describe_parameters<minigan_fields>(&__VA_ARGS__, minigan_to, minigan_n);                          \
    }
