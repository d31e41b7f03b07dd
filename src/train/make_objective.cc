#include <sstream>

#include "base/error.h"
#include "train/classify_objective.h"
#include "train/contrastive_objective.h"
#include "train/correct_objective.h"
#include "train/masked_objective.h"
#include "train/objective.h"
#include "train/pair_objective.h"
#include "train/preference_objective.h"
#include "train/text_objective.h"

namespace onmal {

std::unique_ptr<Objective> make_objective(const Recipe& recipe) {
  switch (recipe.objective.task) {
    case TaskKind::kText:
      return std::make_unique<TextObjective>(recipe);
    case TaskKind::kClassification:
      return std::make_unique<ClassifyObjective>(recipe);
    case TaskKind::kMasked:
      return std::make_unique<MaskedObjective>(recipe);
    case TaskKind::kPairs:
    case TaskKind::kDenoising:
      return std::make_unique<PairObjective>(recipe);
    case TaskKind::kPreference:
      return std::make_unique<PreferenceObjective>(recipe);
    case TaskKind::kCorrection:
      return std::make_unique<CorrectObjective>(recipe);
    case TaskKind::kContrastive:
      return std::make_unique<ContrastiveObjective>(recipe);
  }
  throw Error(ErrorCode::kInvalidArgument, "objective.task", "is none");
}

std::string describe_adapter(const AdapterConfig& adapter) {
  std::ostringstream text;
  text << "adapter " << adapter.rank << ' ' << adapter.alpha << ' ' << adapter.rank_stabilized
       << ' ' << adapter.dora;
  for (const std::string& target : adapter.targets) text << ' ' << target;
  return text.str();
}

void save_adapter(LanguageModel& model, const AdapterConfig& adapter,
                  const std::filesystem::path& folder) {
  save_peft_adapter(model, adapter, folder, model.path.string());
  if (!adapter.dora) save_gguf_adapter(model, adapter, folder / "adapter.gguf");
}

TrainLoss scalar_loss(Exec& exec, const Tensor& loss) {
  TrainLoss result;
  result.value = static_cast<double>(loss.f32()[0]);
  result.output = loss;
  result.seed = Tensor::empty(*exec.memory, Shape{1});
  result.seed.f32()[0] = 1.0F;
  return result;
}

}  // namespace onmal
