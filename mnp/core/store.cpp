#include "mnp/core/store.hpp"

#include <algorithm>

namespace mnp {
namespace {

/// What goes wrong on the store's disk is the store's failure, but for the two answers that
/// callers ask for.
template <class T>
Result<T> as_store_error(Result<T> result) {
  if (!result && result.error().code != Code::kExists && result.error().code != Code::kNotFound)
    return fail(Code::kStore, result.error().text);
  return result;
}

bool is_object(const std::string& name) {
  const size_t slash = name.rfind('/');
  return name[slash == std::string::npos ? 0 : slash + 1] != '.';
}

}  // namespace

Status FolderStore::put_new(const std::string& key, std::string_view bytes) {
  return as_store_error(create_file_once(path(key), bytes));
}

Status FolderStore::put(const std::string& key, std::string_view bytes) {
  auto made = make_folders(path(key).parent_path());
  return as_store_error(made ? replace_file(path(key), bytes) : made);
}

Result<std::string> FolderStore::get(const std::string& key) {
  return as_store_error(read_file(path(key)));
}

Result<uint64_t> FolderStore::size(const std::string& key) {
  return as_store_error(size_of_file(path(key)));
}

Result<std::vector<std::string>> FolderStore::list(const std::string& prefix) {
  auto names = list_files_below(path(prefix));
  if (!names && names.error().code == Code::kNotFound) return std::vector<std::string>{};
  if (!names) return as_store_error(std::move(names));
  names->erase(std::remove_if(names->begin(), names->end(),
                              [](const std::string& name) { return !is_object(name); }),
               names->end());
  for (std::string& name : *names) name = prefix + "/" + name;
  return names;
}

Status FolderStore::remove(const std::string& key) { return as_store_error(remove_tree(path(key))); }

Status MemoryStore::put_new(const std::string& key, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  if (!objects_.try_emplace(key, bytes).second) return fail(Code::kExists, key + " exists");
  return {};
}

Status MemoryStore::put(const std::string& key, std::string_view bytes) {
  const std::scoped_lock lock(mutex_);
  objects_.insert_or_assign(key, std::string(bytes));
  return {};
}

Result<std::string> MemoryStore::get(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return fail(Code::kNotFound, "no object " + key);
  return found->second;
}

Result<uint64_t> MemoryStore::size(const std::string& key) {
  MNP_TRY(const std::string bytes, get(key));
  return bytes.size();
}

Result<std::vector<std::string>> MemoryStore::list(const std::string& prefix) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> keys;
  const std::string start = prefix + "/";
  for (auto at = objects_.lower_bound(start);
       at != objects_.end() && at->first.compare(0, start.size(), start) == 0; ++at)
    keys.push_back(at->first);
  return keys;
}

Status MemoryStore::remove(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  objects_.erase(key);
  return {};
}

}  // namespace mnp
