#include "mnp/core/store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

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

/// An object has no keys below it.
bool has_nothing_below(const fs::path& path) {
  std::error_code error;
  const auto type = fs::status(path, error).type();
  return type == fs::file_type::not_found || type == fs::file_type::regular;
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

Status FolderStore::put_file(const std::string& key, const fs::path& from) {
  if (const auto there = size_of_file(from); !there) return fail(Code::kIo, there.error().text);
  auto made = make_folders(path(key).parent_path());
  return as_store_error(made ? replace_by_copy(path(key), from) : made);
}

Result<std::string> FolderStore::get(const std::string& key) {
  return as_store_error(read_file(path(key)));
}

Status FolderStore::put_secret(const std::string& key, std::string_view bytes) {
  constexpr unsigned kOwnerOnly = 0600;
  return as_store_error(create_file_once(path(key), bytes, kOwnerOnly));
}

Result<StoredFile> FolderStore::file(const std::string& key) {
  MNP_CHECK(as_store_error(size_of_file(path(key))));
  return StoredFile{path(key), nullptr};
}

Result<double> FolderStore::modified(const std::string& key) {
  struct stat info {};
  if (::stat(path(key).c_str(), &info) != 0) {
    const int why = errno;
    const bool hidden = why == ENOENT || why == ENOTDIR || why == EACCES;
    return fail(hidden ? Code::kNotFound : Code::kStore,
                path(key).string() + ": " + std::strerror(why));
  }
  return static_cast<double>(info.st_mtim.tv_sec) + static_cast<double>(info.st_mtim.tv_nsec) / 1e9;
}

Result<std::vector<std::string>> FolderStore::list(const std::string& prefix) {
  auto names = list_files_below(path(prefix));
  if (!names && has_nothing_below(path(prefix))) return std::vector<std::string>{};
  if (!names) return as_store_error(std::move(names));
  names->erase(std::remove_if(names->begin(), names->end(),
                              [](const std::string& name) { return !is_object(name); }),
               names->end());
  for (std::string& name : *names) name = prefix + "/" + name;
  return names;
}

Result<std::map<std::string, uint64_t>> FolderStore::sizes(const std::string& prefix) {
  auto names = list_files_below(path(prefix));
  std::map<std::string, uint64_t> sizes;
  if (!names && has_nothing_below(path(prefix))) return sizes;
  if (!names) return fail(Code::kStore, names.error().text);
  for (const std::string& name : *names) {
    const std::string key = prefix + "/" + name;
    const auto bytes = size_of_file(path(key));
    if (bytes) sizes.emplace_hint(sizes.end(), key, *bytes);
    if (!bytes && bytes.error().code != Code::kNotFound)
      return fail(Code::kStore, bytes.error().text);
  }
  return sizes;
}

Result<std::vector<std::string>> FolderStore::names(const std::string& prefix) {
  auto names = list_folder(path(prefix));
  if (!names && has_nothing_below(path(prefix))) return std::vector<std::string>{};
  if (!names) return as_store_error(std::move(names));
  std::erase_if(*names, [](const std::string& name) { return !is_object(name); });
  return names;
}

Status FolderStore::remove(const std::string& key) {
  return as_store_error(remove_tree(path(key)));
}

Status FolderStore::remove_below(const std::string& prefix) {
  return remove(prefix);
}

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

Status MemoryStore::put_file(const std::string& key, const fs::path& from) {
  const auto bytes = read_file(from);
  if (!bytes) return fail(Code::kIo, bytes.error().text);
  return put(key, *bytes);
}

Result<std::string> MemoryStore::get(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(key);
  if (found == objects_.end()) return fail(Code::kNotFound, "no object " + key);
  return found->second;
}

Status MemoryStore::put_secret(const std::string& key, std::string_view bytes) {
  return put_new(key, bytes);
}

Result<StoredFile> MemoryStore::file(const std::string& key) {
  MNP_TRY(const std::string bytes, get(key));
  MNP_TRY(TemporaryFolder folder, TemporaryFolder::create("mnp-object-"));
  const fs::path path = folder.path() / "object";
  MNP_CHECK(replace_file(path, bytes));
  return StoredFile{path, std::make_shared<TemporaryFolder>(std::move(folder))};
}

Result<double> MemoryStore::modified(const std::string& key) {
  MNP_CHECK(get(key).map([](const std::string&) {}));
  return 1;  // all at once
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

Result<std::map<std::string, uint64_t>> MemoryStore::sizes(const std::string& prefix) {
  MNP_TRY(const auto keys, list(prefix));
  const std::scoped_lock lock(mutex_);
  std::map<std::string, uint64_t> sizes;
  for (const std::string& key : keys)
    if (const auto found = objects_.find(key); found != objects_.end())
      sizes.emplace(key, found->second.size());
  return sizes;
}

Result<std::vector<std::string>> MemoryStore::names(const std::string& prefix) {
  MNP_TRY(const auto keys, list(prefix));
  std::set<std::string> names;
  for (const std::string& key : keys) {
    const std::string below = key.substr(prefix.size() + 1);
    names.insert(below.substr(0, below.find('/')));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Status MemoryStore::remove(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  objects_.erase(key);
  return {};
}

Status MemoryStore::remove_below(const std::string& prefix) {
  MNP_TRY(const auto keys, list(prefix));
  for (const std::string& key : keys) MNP_CHECK(remove(key));
  return {};
}

}  // namespace mnp
