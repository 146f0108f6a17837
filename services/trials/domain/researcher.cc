#include "services/trials/domain/researcher.h"

#include <utility>

#include "platform/errors/errors.h"
#include "services/trials/domain/access_clinical.h"
#include "services/trials/domain/checks.h"
#include "services/trials/domain/etag.h"
#include "services/trials/domain/tables_clinical.h"

namespace trialog::trials {
namespace {

constexpr size_t kMaxText = 1000;

bool MayWrite(const Context& context, std::string_view user) {
  return context.principal.HasAnywhere(ROLE_TRIAL_RESEARCHER) && !user.empty() && user == context.principal.user();
}

absl::Status CheckTexts(const v1::Researcher& researcher) {
  TRIALOG_RETURN_IF_ERROR(CheckText("researcher.expertise", researcher.expertise(), kMaxText));
  return CheckText("researcher.institution", researcher.institution(), kMaxText);
}

}  // namespace

absl::StatusOr<Decision> CreateResearcher(const view::State& state, const Context& context,
                                          const v1::CreateResearcherRequest& request,
                                          const event::v1::SealedPart& sealed) {
  const v1::Researcher& asked = request.researcher();
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("parent", request.parent(), "organizations/*", context.principal.organization));
  TRIALOG_RETURN_IF_ERROR(
      CheckReference("researcher.user", asked.user(), kUserPattern, context.principal.organization));
  if (!MayWrite(context, asked.user())) {
    return Denied("NOT_YOUR_PROFILE", "create the profile of your own account");
  }
  TRIALOG_RETURN_IF_ERROR(CheckTexts(asked));
  auto name = NewName(kResearchers, request.parent(), "researchers", request.researcher_id(), "researcher_id", context);
  if (!name.ok()) return name.status();
  if (state.Find(kResearchers, *name) || state.Lookup(kResearcherByUser, asked.user())) {
    return Refuse(absl::StatusCode::kAlreadyExists, "RESEARCHER_EXISTS",
                  "the account has a profile, or the id is taken; update the profile instead");
  }
  v1::ResearcherCreated created;
  v1::Researcher& researcher = *created.mutable_researcher();
  researcher.set_name(*name);
  researcher.set_uid(std::string(IdOf(*name)));
  researcher.set_user(asked.user());
  researcher.set_expertise(asked.expertise());
  researcher.set_institution(asked.institution());
  *created.mutable_sealed() = sealed;
  Decision decision = Answering(*name);
  Emit(decision, *name, &v1::TrialsEvent::mutable_researcher_created, std::move(created));
  return decision;
}

absl::StatusOr<Decision> UpdateResearcher(const view::State& state, const Context& context,
                                          const v1::UpdateResearcherRequest& request,
                                          const event::v1::SealedPart& sealed) {
  const v1::Researcher& asked = request.researcher();
  const std::string& name = asked.name();
  const view::RowPtr row = state.Find(kResearchers, name);
  if (!row || !MaySeeClinical(context.principal, state, kResearchers, name, *row)) {
    return NotVisible(row != nullptr, "researcher");
  }
  if (!MayWrite(context, row->As<v1::Researcher>().user())) {
    return Denied("NOT_YOUR_PROFILE", "change the profile of your own account");
  }
  TRIALOG_RETURN_IF_ERROR(CheckMask(request.update_mask(), {"expertise", "institution", "contact"}));
  TRIALOG_RETURN_IF_ERROR(RequireEtag(name, *row, asked.etag(), "researcher.etag"));
  TRIALOG_RETURN_IF_ERROR(CheckTexts(asked));
  v1::ResearcherUpdated updated;
  *updated.mutable_sealed() = SealedChange(sealed, *v1::Researcher::descriptor(), request.update_mask(), false);
  *updated.mutable_paths() = request.update_mask().paths();
  CopyFields(asked, *updated.mutable_researcher(), updated.paths());
  ClearPersonal(*updated.mutable_researcher());
  updated.mutable_researcher()->set_name(name);
  Decision decision = Answering(name);
  Emit(decision, name, &v1::TrialsEvent::mutable_researcher_updated, std::move(updated));
  return decision;
}

}  // namespace trialog::trials
