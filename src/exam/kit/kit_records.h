// A kit's lines as evidence: records that are held against the table of metrics, findings, the subject. A kit
// is foreign code, so that nothing it says is taken unchecked, and everything stays its own word.
#pragma once

#include <string>
#include <string_view>

#include "base/base.h"
#include "evidence/evidence.h"
#include "target/target.h"

namespace assay {

// Who speaks: what every record of a kit carries.
struct KitVoice {
  std::string name, version;
  std::string library;  // whose kernels, as its device line says; "": it did not say
  std::string exam;     // the one it runs for
};

// The record that a line of type "record" holds. The error says what is wrong with it: an unknown metric or
// one that no kit measures, another unit, a value that no silicon reaches, samples that contradict it.
Result<Record> read_kit_record(const Json& line, const KitVoice& voice);

// What a line of type "finding" says, under a code of the kit's own: "kit.torch-roofline.int8-missing". It
// cannot void a trial, nor call anything impossible.
Result<Finding> read_kit_finding(const Json& line, const KitVoice& voice);

// What a kit works on. `wanted`: what the scenario calls it; "": as the kit does, or else `otherwise`. What a
// kit tells of a subject that the scenario names stands under the kit's name, since others tell of it too.
Subject kit_subject(const Json& device_line, const KitVoice& voice, const std::string& wanted,
                    const std::string& otherwise);

}  // namespace assay
