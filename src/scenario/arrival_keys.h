// The keys of arrivals, which [load] and [[traffic]] share: rows for both tables from one place.
#pragma once

#include "scenario/reader.h"

namespace assay {

// Rows of a table T; `get` gives the arrivals to read into.
template <class T, Arrivals& (*get)(T&)>
struct ArrivalKeys {
  // Each reads one key.
  static void read_kind(Reader& reader, const TomlMember& member, T& out);
  static void read_cv(Reader& reader, const TomlMember& member, T& out) {
    reader.read_number(member, 0.01, 100, get(out).cv);
  }
  static void read_users(Reader& reader, const TomlMember& member, T& out) {
    reader.read_integer(member, 1, 1'000'000, get(out).users);
  }
  static void read_pause(Reader& reader, const TomlMember& member, T& out) {
    reader.read_number(member, 0, 86'400, get(out).pause_s);
  }
  static void read_curve(Reader& reader, const TomlMember& member, T& out);
};

void read_arrival_kind(Reader& reader, const TomlMember& member, Arrivals& arrivals);
void read_rate_curve(Reader& reader, const TomlMember& member, Arrivals& arrivals);

template <class T, Arrivals& (*get)(T&)>
void ArrivalKeys<T, get>::read_kind(Reader& reader, const TomlMember& member, T& out) {
  read_arrival_kind(reader, member, get(out));
}
template <class T, Arrivals& (*get)(T&)>
void ArrivalKeys<T, get>::read_curve(Reader& reader, const TomlMember& member, T& out) {
  read_rate_curve(reader, member, get(out));
}

// What the keys say, in the reference.
inline constexpr const char* kCvText =
    "(gamma) Coefficient of variation of the gaps: 1 is Poisson, 2 comes in clusters, 0.5 is more even. What other tools "
    "call burstiness is 1 ÷ cv². By default 1.";
inline constexpr const char* kUsersText =
    "(closed) So many users, each with one request or session at a time; by default 1.";
inline constexpr const char* kPauseText =
    "(closed) Mean of the exponential pause of a user between an answer and the next request; by default none.";
inline constexpr const char* kCurveText =
    "(poisson, constant, gamma) The rate over time, as points [seconds, relative rate] with straight lines between them, "
    "repeated at its end: a day, a ramp. Its mean is the given rate.";

// What the keys of one table say of each other. `table` holds them.
void check_arrival_keys(Reader& reader, const TomlValue& table, const Arrivals& arrivals);

}  // namespace assay
