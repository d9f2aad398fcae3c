// One stage of the pipeline file: its fields over those of `defaults`, then the rules between them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mnp/model/spec_values.hpp"

namespace mnp::model {

/// A stage with the places of what it says itself, for messages.
struct ReadStage {
  StageSpec spec;
  YAML::Mark mark;
  std::vector<Field> own;  // without those of `defaults`
  const Field* find(std::string_view key) const;
};

/// `defaults` are fields of stage keys. The stage's name has been read already.
ReadStage read_stage(SpecReader& reader, const YAML::Node& mapping, const std::string& name,
                     const std::vector<Field>& defaults);

/// Reports values of `defaults` that no stage uses, too.
void check_defaults(SpecReader& reader, const std::vector<Field>& defaults);

/// Rules between keys of one stage (spec_check.cpp).
void check_stage(SpecReader& reader, const ReadStage& stage);
/// The stages so that each comes after those that it needs, else in the file's order. A cycle is
/// an error, and then the order is the file's.
std::vector<StageSpec> sort_stages(SpecReader& reader, const std::vector<ReadStage>& stages);

}  // namespace mnp::model
