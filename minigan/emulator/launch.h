// From Python into a kernel: its arguments unpacked by its own function type, its types told.
#pragma once

#include "grid.h"
#include "threads.h"

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

// The life of a fiber of this kernel. The kernel is a template's parameter, so that the compiler can inline it.
template <class F, F kernel> void life() { unpack<F, kernel>(kernel, here().launch->arguments, numbers_of(kernel)); }
}  // namespace minigan

// Where a kernel's `extern __shared__` array lies.
inline void* minigan_dynamic_shared() { return minigan::here().shared; }

#ifndef MINIGAN_SANITIZE  // else it is the observer's
#include "runtime.h"
#endif

// Each kernel's types, as the compiler sees them, and its entry.
template <class T> struct MiniganName { static void put(char* to, size_t n) { snprintf(to + strlen(to), n - strlen(to), "?"); } };
#define MINIGAN_NAME(T)                                                                     \
    template <> struct MiniganName<T> {                                                     \
        static void put(char* to, size_t n) { strncat(to, #T, n - strlen(to) - 1); }        \
    };
MINIGAN_NAME(void) MINIGAN_NAME(bool) MINIGAN_NAME(char) MINIGAN_NAME(signed char) MINIGAN_NAME(unsigned char)
MINIGAN_NAME(short) MINIGAN_NAME(unsigned short) MINIGAN_NAME(int) MINIGAN_NAME(unsigned int) MINIGAN_NAME(long)
MINIGAN_NAME(unsigned long) MINIGAN_NAME(long long) MINIGAN_NAME(unsigned long long) MINIGAN_NAME(float) MINIGAN_NAME(double)
MINIGAN_NAME(float2) MINIGAN_NAME(double2)
template <class T> struct MiniganName<const T> {
    static void put(char* to, size_t n) { strncat(to, "const ", n - strlen(to) - 1), MiniganName<T>::put(to, n); }
};
template <class T> struct MiniganName<volatile T> {
    static void put(char* to, size_t n) { strncat(to, "volatile ", n - strlen(to) - 1), MiniganName<T>::put(to, n); }
};
template <class T> struct MiniganName<T*> {
    static void put(char* to, size_t n) { MiniganName<T>::put(to, n), strncat(to, "*", n - strlen(to) - 1); }
};
template <class... A> void minigan_types(void (*)(A...), char* to, size_t n) {
    to[0] = 0;
    int unused[] = {0, (MiniganName<A>::put(to, n), strncat(to, ";", n - strlen(to) - 1), 0)...};
    (void)unused;
}
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
        minigan_types(&__VA_ARGS__, minigan_to, minigan_n);                                                         \
    }
