// The key table as a JSON Schema for editors and as a table for people.
#pragma once

#include <string>

namespace mnp::model {

/// docs/pipeline.schema.json (draft 07), installed beside the programs. It accepts every pipeline
/// file that `parse_spec` accepts; what no schema can say (cycles, names of stages) is left out.
std::string pipeline_schema();
/// The tables of docs/pipeline.md.
std::string keys_as_markdown();

}  // namespace mnp::model
