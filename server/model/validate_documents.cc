#include "server/model/validate_documents.h"

#include "server/model/validate.h"
#include "tidegate/config/v1/api.pb.h"
#include "tidegate/config/v1/application.pb.h"
#include "tidegate/config/v1/gateway.pb.h"
#include "tidegate/config/v1/subscription.pb.h"

namespace tidegate::model {
namespace {

namespace v1 = config::v1;
using config::Document;
using config::DocumentKind;

template <typename T>
const T* As(const Document& document) {
  return static_cast<const T*>(document.message.get());
}

void ValidateOne(const Document& document, Bundle& bundle, config::Violations& found) {
  switch (document.kind) {
    case DocumentKind::kApi:
      bundle.apis.push_back(As<v1::Api>(document));
      return Validate(*bundle.apis.back(), found);
    case DocumentKind::kApplication:
      bundle.applications.push_back(As<v1::Application>(document));
      return Validate(*bundle.applications.back(), found);
    case DocumentKind::kSubscription:
      bundle.subscriptions.push_back(As<v1::Subscription>(document));
      return Validate(*bundle.subscriptions.back(), found);
    case DocumentKind::kGateway: return Validate(*As<v1::Gateway>(document), found);
  }
}

}  // namespace

void ValidateDocuments(const std::vector<Document>& documents, config::Violations& violations) {
  Bundle bundle;
  for (const Document& document : documents) {
    const std::size_t first = violations.size();
    ValidateOne(document, bundle, violations);
    config::Locate(document, violations, first);
  }
  config::Violations found;
  ValidateBundle(bundle, false, found);
  for (config::Violation& violation : found) {
    config::Violations one{std::move(violation)};
    for (const Document& document : documents) {
      if (document.name == one[0].resource) config::Locate(document, one);
    }
    violations.push_back(std::move(one[0]));
  }
}

}  // namespace tidegate::model
