#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "corpus/dedup/mix.h"
#include "corpus/pack.h"
#include "corpus/prepare/evaluation_sets.h"
#include "corpus/prepare/ordered_pipeline.h"
#include "corpus/prepare/part_file.h"
#include "corpus/prepare/passes.h"
#include "corpus/shard.h"
#include "text/byte_block.h"
#include "tokenizer/bpe_tokenizer.h"

namespace onmal {
namespace {

// The first byte from `at` on that JSON texts do not hold as it is.
size_t next_escape(std::string_view text, size_t at) {
  for (; at + kBlockBytes <= text.size(); at += kBlockBytes) {
    const ByteBlock block = load_block(text.data() + at);
    if (any_of((block < 0x20) | (block == '"') | (block == '\\') | (block == 0x7F))) break;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7F) break;
  }
  return at;
}

void append_json(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t plain = 0;  // where what needs no escape began
  for (size_t i = next_escape(text, 0); i < text.size(); i = next_escape(text, i + 1)) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    out.append(text, plain, i - plain);
    plain = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

struct EncodedDocument {
  size_t begin, size;  // in the block's ids
  uint64_t bytes;      // of its text
  uint32_t copies;
  bool heldout;
};

// A block of a part, and what is to be written of it.
struct WriteBlock {
  PartBlock block;
  std::string train, heldout;  // JSON lines
  std::vector<int32_t> ids;
  std::vector<EncodedDocument> encoded;
  PartCounts counts;
};

// Decides about documents and writes them down. One per thread.
class DocumentWriter {
 public:
  DocumentWriter(const PrepareRun& run, const Decisions& decisions,
                 const ContaminationIndex* evaluation,
                 const std::unordered_map<uint64_t, std::string>& pairs)
      : options_(run.options), decisions_(decisions), evaluation_(evaluation), pairs_(pairs) {
    if (options_.tokenizer != nullptr) encoder_.emplace(*options_.tokenizer);
  }

  void write(uint64_t id, const PartDocument& document, WriteBlock& block) {
    SourceCounts& counts = block.counts.sources[document.source];
    tell_pair(id, document, block);
    if (decisions_.exact.contains(id)) return counts.exact.add(document.text.size());
    if (decisions_.near.contains(id)) return counts.near.add(document.text.size());
    std::string_view text = document.text;
    if (decisions_.has_repeated.contains(id) && !strip(document, text, block)) return;
    if (is_contaminated(document, text, block)) return;
    ContentVerdict verdict;
    if (options_.content_check) verdict = options_.content_check(text);
    if (verdict.refused) {
      counts.refused.add(text.size());
      return sample("refused_content", document, text, block);
    }
    if (!verdict.tags.empty()) counts.tagged.add(text.size());
    write_down(id, document, text, verdict.tags, block);
  }

 private:
  const PrepareSource& source_of(const PartDocument& document) const {
    return options_.sources[document.source];
  }

  void sample(std::string_view rule, const PartDocument& document, std::string_view text,
              WriteBlock& block) const {
    if (!source_of(document).samples) return;
    const std::string& file = source_of(document).file_names[document.file];
    const uint64_t rank = sample_rank(file, document.record);
    if (!block.counts.samples.wants(rule, rank)) return;
    block.counts.samples.add(rule, {rank, file, document.record, sample_excerpt(text)});
  }

  // Both sides of a pair that the report shows stand in samples of the pair's own.
  void tell_pair(uint64_t id, const PartDocument& document, WriteBlock& block) const {
    const auto found = pairs_.find(id);
    if (found == pairs_.end()) return;
    const PrepareSource& source = source_of(document);
    block.counts.samples.add(found->second, {0, source.file_names[document.file], document.record,
                                             source.samples ? sample_excerpt(document.text) : ""});
  }

  // False when nothing is left.
  bool strip(const PartDocument& document, std::string_view& text, WriteBlock& block) {
    if (document.language == Language::kCode || !source_of(document).judge) return true;
    SourceCounts& counts = block.counts.sources[document.source];
    // A line of a program may stand anywhere.
    auto stripped = decisions_.repeated.strip(text, [&](std::string_view paragraph) {
      if (paragraph_language(paragraph) == Language::kCode) return false;
      sample("repeated_paragraph", document, paragraph, block);
      return true;
    });
    if (stripped.paragraphs == 0) return true;
    counts.repeated_paragraphs.items += stripped.paragraphs;
    stripped_ = std::move(stripped.text);
    const size_t end = stripped_.find_last_not_of(" \t\r\n");
    stripped_.resize(end == std::string::npos ? 0 : end + 1);
    stripped_.erase(0, std::min(stripped_.find_first_not_of("\r\n"), stripped_.size()));
    counts.repeated_paragraphs.bytes += text.size() - stripped_.size();
    if (stripped_.empty()) {
      counts.emptied_by_paragraphs.add(0);
      return false;
    }
    text = stripped_;
    return true;
  }

  bool is_contaminated(const PartDocument& document, std::string_view text,
                       WriteBlock& block) const {
    if (evaluation_ == nullptr) return false;
    const std::vector<ContaminationHit> hits = evaluation_->find(text);
    if (hits.empty()) return false;
    block.counts.sources[document.source].contaminated.add(text.size());
    for (const ContaminationHit& hit : hits)
      block.counts.contaminated[evaluation_->set_name(hit.set)].add(text.size());
    sample("contaminated", document, text, block);
    return true;
  }

  // How often the document goes into the training shards: its weight, rounded up or down by chance.
  uint32_t copies_of(const PartDocument& document, std::string_view text) const {
    const double weight = source_of(document).weight;
    const double whole = std::floor(weight);
    if (weight == whole) return static_cast<uint32_t>(whole);
    const double chance = static_cast<double>(mix_bits(fnv1a(text)) >> 11) * 0x1p-53;
    return static_cast<uint32_t>(whole) + (chance < weight - whole ? 1 : 0);
  }

  void write_down(uint64_t id, const PartDocument& document, std::string_view text,
                  const std::vector<std::string>& tags, WriteBlock& block) {
    SourceCounts& counts = block.counts.sources[document.source];
    const bool heldout = is_packed_as_heldout(text, options_.heldout_permille);
    const uint32_t copies = heldout ? 1 : copies_of(document, text);
    if (copies == 0) return counts.unsampled.add(text.size());
    (heldout ? counts.heldout : counts.train).add(text.size());
    write_line(id, document, text, tags, copies, heldout ? block.heldout : block.train);
    if (!encoder_) return;
    const size_t begin = block.ids.size();
    encoder_->encode(text, block.ids);
    const size_t size = block.ids.size() - begin;
    (heldout ? counts.heldout_tokens : counts.train_tokens) += (size + 1) * copies;
    block.encoded.push_back({begin, size, text.size(), copies, heldout});
  }

  void write_line(uint64_t id, const PartDocument& document, std::string_view text,
                  const std::vector<std::string>& tags, uint32_t copies, std::string& out) const {
    out += "{\"id\": " + std::to_string(id) + ", \"source\": ";
    append_json(source_of(document).file_names[document.file], out);
    out += ", \"record\": " + std::to_string(document.record) +
           ", \"offset\": " + std::to_string(document.offset) + ", \"language\": \"";
    out += language_name(document.language);
    out += '"';
    if (!document.url.empty()) {
      out += ", \"url\": ";
      append_json(document.url, out);
    }
    if (copies != 1) out += ", \"repeat\": " + std::to_string(copies);
    if (!tags.empty()) {
      out += ", \"tags\": [";
      for (const std::string& tag : tags) {
        if (&tag != &tags.front()) out += ", ";
        append_json(tag, out);
      }
      out += ']';
    }
    out += ", \"text\": ";
    append_json(text, out);
    out += "}\n";
  }

  const PrepareOptions& options_;
  const Decisions& decisions_;
  const ContaminationIndex* evaluation_;
  const std::unordered_map<uint64_t, std::string>& pairs_;
  std::optional<BpeEncoder> encoder_;
  std::string stripped_;
};

// A file that is made when something is written to it.
template <typename File>
class LateFile {
 public:
  template <typename... Arguments>
  File& get(Arguments&&... arguments) {
    if (!file_) file_ = std::make_unique<File>(std::forward<Arguments>(arguments)...);
    return *file_;
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::unique_ptr<File> file_;
};

// The shards of one part.
class PartShards {
 public:
  PartShards(const PrepareRun& run, uint64_t part)
      : run_(run), part_(part), train_(run.folder.text_shard(part)) {
    counts_.samples = Samples(run.options.samples);
  }

  void add(const WriteBlock& block) {
    train_.write(block.train);
    if (!block.heldout.empty()) heldout_.get(run_.folder.heldout_shard(part_)).write(block.heldout);
    for (const EncodedDocument& document : block.encoded) {
      ShardWriter& tokens =
          (document.heldout ? heldout_tokens_ : train_tokens_)
              .get(run_.folder.token_shard(part_, document.heldout), *run_.options.tokenizer);
      const std::span<const int32_t> ids(block.ids.data() + document.begin, document.size);
      for (uint32_t i = 0; i < document.copies; ++i)
        tokens.add(ids, static_cast<int64_t>(document.bytes));
    }
    counts_.merge(block.counts);
  }

  PartCounts commit() {
    train_.commit();
    heldout_.commit();
    train_tokens_.commit();
    heldout_tokens_.commit();
    run_.folder.save_written_state(part_, counts_);
    return std::move(counts_);
  }

 private:
  const PrepareRun& run_;
  uint64_t part_;
  AtomicFile train_;
  LateFile<AtomicFile> heldout_;
  LateFile<ShardWriter> train_tokens_, heldout_tokens_;
  PartCounts counts_;
};

// The token shards of all parts as one, a document behind the other.
void join_token_shards(const PrepareRun& run, uint64_t parts, bool heldout) {
  const std::filesystem::path target =
      run.folder.output() / (heldout ? "heldout.tok" : "train.tok");
  std::optional<ShardWriter> joined;
  std::vector<int32_t> ids;
  for (uint64_t part = 0; part < parts; ++part) {
    run.check_stop();
    const std::filesystem::path path = run.folder.token_shard(part, heldout);
    if (!std::filesystem::exists(path)) continue;
    const ShardReader shard(path);
    if (!joined) joined.emplace(target, *run.options.tokenizer);
    int64_t bytes = shard.info().text_bytes;  // all with the first: only their sum is kept
    for (int64_t begin = 0; begin < shard.info().tokens;) {
      const int64_t end = shard.next_document_start(begin);
      ids.resize(static_cast<size_t>(end - begin - 1));
      shard.read(begin, ids);
      joined->add(ids, std::exchange(bytes, 0));
      begin = end;
    }
  }
  if (joined) {
    joined->commit();
  } else {
    std::filesystem::remove(target);
  }
}

// The names of samples that show pairs, by the documents' numbers: one document may only stand in
// one.
std::unordered_map<uint64_t, std::string> name_pairs(const std::vector<Decisions::Pair>& pairs) {
  std::unordered_map<uint64_t, std::string> names;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::string name =
        (pairs[i].near != 0 ? "pair/near/" : "pair/exact/") + std::to_string(i);
    if (names.contains(pairs[i].id) || names.contains(pairs[i].kept)) continue;
    names[pairs[i].id] = name + "/dropped";
    names[pairs[i].kept] = name + "/kept";
  }
  return names;
}

}  // namespace

PartCounts write_shards(const PrepareRun& run, const ReadParts& parts, const Decisions& decisions) {
  const PrepareOptions& options = run.options;
  const std::unordered_map<uint64_t, std::string> pairs = name_pairs(decisions.pairs);
  const std::unique_ptr<ContaminationIndex> evaluation =
      options.evaluation.empty()
          ? nullptr
          : index_evaluation_sets(options.evaluation, options.memory_bytes / 2);
  std::vector<std::unique_ptr<DocumentWriter>> writers;
  for (size_t i = 0; i < options.threads; ++i)
    writers.push_back(std::make_unique<DocumentWriter>(run, decisions, evaluation.get(), pairs));
  PartCounts all;
  all.samples = Samples(options.samples);
  uint64_t bytes = 0;
  uint64_t documents = 0;
  std::optional<ProgressTeller> progress;
  for (uint64_t part = 0; part < parts.parts(); ++part) {
    if (const std::optional<PartCounts> before = run.folder.written_state(part)) {
      all.merge(*before);
      bytes += parts.bytes[part];
      continue;
    }
    if (!progress) progress.emplace(run, "write", parts.total_bytes(), bytes);
    PartShards shards(run, part);
    OrderedPipeline<WriteBlock> pipeline(
        options.threads,
        [&](WriteBlock& block, size_t thread) {
          block.counts.samples = Samples(options.samples);
          block.train.reserve(block.block.bytes.size() / 8 * 9);
          uint64_t id = parts.first[part] + block.block.first;
          for_each_document(
              block.block.bytes, run.folder.part(part).string(),
              [&](const PartDocument& document) { writers[thread]->write(id++, document, block); });
        },
        [&](WriteBlock& block) {
          shards.add(block);
          bytes += block.block.bytes.size();
          documents += block.block.documents;
          progress->tell(bytes, documents, bytes, bytes == parts.total_bytes());
        });
    PartReader reader(run.folder.part(part));
    for (;;) {
      run.check_stop();
      auto block = std::make_unique<WriteBlock>();
      if (!reader.next(block->block)) break;
      pipeline.put(std::move(block));
    }
    pipeline.finish();
    all.merge(shards.commit());
  }
  if (options.tokenizer != nullptr) {
    join_token_shards(run, parts.parts(), false);
    join_token_shards(run, parts.parts(), true);
  }
  return all;
}

}  // namespace onmal
