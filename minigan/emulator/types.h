// What Python is told of a kernel's parameters and of a text's variables: their types, as the compiler sees them, and of structs
// how many bytes they have and where their fields lie.
#pragma once

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "threads.h"

namespace minigan {

// Where a description is written: one line for each parameter, in it words with tabs between them.
struct Description {
    char* end;
    size_t room;

    void put(const char* format, ...) {
        va_list values;
        va_start(values, format);
        const int length = vsnprintf(end, room, format, values);
        va_end(values);
        const size_t written = size_t(length) < room ? size_t(length) : room - 1;
        end += written, room -= written;
    }
};

// A type as the compiler spells it, which it does in the name of a function.
template <class T> inline void spell(Description& to) {
    const char* name = strstr(__PRETTY_FUNCTION__, "T = ") + 4;
    to.put("%.*s", int(strrchr(name, ']') - name), name);
}

template <class T> constexpr bool IS_CONST = false;
template <class T> constexpr bool IS_CONST<const T> = true;
template <class T> constexpr bool IS_REFERENCE = false;
template <class T> constexpr bool IS_REFERENCE<T&> = true;
template <class T> constexpr bool IS_FUNCTION = !IS_CONST<const T>;  // it, or a reference, is none by that word
}  // namespace minigan

// The names of C's types are those that Python knows; a row has that of its elements, an enumeration that of its numbers.
template <class T> struct MiniganName {
    static void put(minigan::Description& to) {
        if constexpr (__is_enum(T)) MiniganName<__underlying_type(T)>::put(to);
        else minigan::spell<T>(to);
    }
};
#define MINIGAN_NAME_IS(T, TEXT)                                         \
    template <> struct MiniganName<T> {                                  \
        static void put(minigan::Description& to) { to.put(TEXT); }      \
    };
#define MINIGAN_NAME(T) MINIGAN_NAME_IS(T, #T)
MINIGAN_NAME(void) MINIGAN_NAME(bool) MINIGAN_NAME(char) MINIGAN_NAME(signed char) MINIGAN_NAME(unsigned char)
MINIGAN_NAME(short) MINIGAN_NAME(unsigned short) MINIGAN_NAME(int) MINIGAN_NAME(unsigned int) MINIGAN_NAME(long)
MINIGAN_NAME(unsigned long) MINIGAN_NAME(long long) MINIGAN_NAME(unsigned long long) MINIGAN_NAME(float) MINIGAN_NAME(double)
MINIGAN_NAME_IS(minigan::Index, "dim3")
template <class T> struct MiniganName<const T> {
    static void put(minigan::Description& to) { to.put("const "), MiniganName<T>::put(to); }
};
template <class T> struct MiniganName<volatile T> {
    static void put(minigan::Description& to) { to.put("volatile "), MiniganName<T>::put(to); }
};
template <class T> struct MiniganName<const volatile T> {
    static void put(minigan::Description& to) { to.put("const volatile "), MiniganName<T>::put(to); }
};
template <class T, size_t N> struct MiniganName<T[N]> : MiniganName<T> {};
template <class T, size_t N> struct MiniganName<const T[N]> : MiniganName<const T> {};
template <class T> struct MiniganName<T*> {
    static void put(minigan::Description& to) {
        if constexpr (minigan::IS_FUNCTION<T>) minigan::spell<T*>(to);
        else MiniganName<T>::put(to), to.put("*");
    }
};
template <class T> struct MiniganName<T&> {
    static void put(minigan::Description& to) { MiniganName<T>::put(to), to.put("&"); }
};

namespace minigan {

template <class T> constexpr auto bytes_of(int) -> decltype(sizeof(T)) { return sizeof(T); }
template <class T> constexpr size_t bytes_of(long) { return 0; }  // of a type that is declared only

// A field of a struct: name, type, offset, bytes. Of a member that is a function nothing is told.
constexpr uintptr_t ANYWHERE = 4096;
template <class T, class M, class Class> inline void put_field(Description& to, const char* name, M Class::*member) {
    if constexpr (!IS_FUNCTION<M>) {
        T* object = reinterpret_cast<T*>(ANYWHERE);
        const uintptr_t at = reinterpret_cast<uintptr_t>(&reinterpret_cast<const volatile char&>(object->*member));
        to.put("\t%s\t", name), MiniganName<M>::put(to), to.put("\t%zu\t%zu", size_t(at - ANYWHERE), sizeof(M));
    }
}

template <class... Fields> struct AnyOf {  // of the fields that structs of a text have, those of one struct
    template <class T> static void put(Description& to) { (Fields::template put<T>(to, 0), ...); }
};

// A type, its bytes (of a pointer: those of what it points at), and the fields.
template <class T> struct Pointee { using type = T; };
template <class T> struct Pointee<T*> { using type = T; };
template <class T> struct Pointee<T&> { using type = T; };
template <class T, class Fields> inline void describe(Description& to) {
    using Of = typename Pointee<T>::type;
    MiniganName<T>::put(to), to.put("\t%zu", bytes_of<Of>(0));
    if constexpr ((__is_class(Of) || __is_union(Of)) && bytes_of<Of>(0)) Fields::template put<Of>(to);
    to.put("\n");
}
template <class Fields, class... A> inline void describe_parameters(void (*)(A...), char* to, size_t room) {
    Description description = {to, room};
    (describe<A, Fields>(description), ...);
}
template <class T> inline void describe_variable(char* to, size_t room) {
    Description description = {to, room};
    MiniganName<T>::put(description), description.put("\t%zu", sizeof(T));
}
}  // namespace minigan

// What follows stands behind or in the text of a kernel, so with names that no macro of it has.
#define MINIGAN_FIELD(MINIGAN_FIELD_NAME)                                                                               \
    struct minigan_field_##MINIGAN_FIELD_NAME {                                                                         \
        template <class MINIGAN_T>                                                                                      \
        static auto put(minigan::Description& to, int)                                                                  \
            -> decltype(minigan::put_field<MINIGAN_T>(to, "", &MINIGAN_T::MINIGAN_FIELD_NAME)) {                        \
            minigan::put_field<MINIGAN_T>(to, #MINIGAN_FIELD_NAME, &MINIGAN_T::MINIGAN_FIELD_NAME);                     \
        }                                                                                                               \
        template <class MINIGAN_T> static void put(minigan::Description&, long) {}                                      \
    };
// Behind the declaration of a variable: where it lies, and what it is.
#define MINIGAN_VARIABLE(MINIGAN_LABEL, MINIGAN_NAME_OF_IT)                                                             \
    extern "C" __attribute__((visibility("default"), used)) void* minigan_variable_##MINIGAN_LABEL(                     \
        char* minigan_to, unsigned long minigan_n) {                                                                    \
        minigan::describe_variable<decltype(MINIGAN_NAME_OF_IT)>(minigan_to, minigan_n);                                \
        return const_cast<void*>(reinterpret_cast<const volatile void*>(&MINIGAN_NAME_OF_IT));                          \
    }
