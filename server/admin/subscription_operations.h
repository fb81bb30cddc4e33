// What SubscriptionService does, without gRPC: one function for each rpc.
// Thread: any that may block for seconds. Owner: none. Fails: by the error catalogue.
#pragma once

#include "server/admin/call.h"
#include "server/admin/deployer.h"
#include "tidegate/admin/v1/subscription_service.pb.h"

namespace tidegate::config {
class SecretResolver;
}

namespace tidegate::admin {

Status CreateSubscription(Deployer& deployer, Call& call,
                          const v1::CreateSubscriptionRequest& request,
                          cfg::Subscription& response);
Status GetSubscription(Deployer& deployer, Call& call, const v1::GetSubscriptionRequest& request,
                       cfg::Subscription& response);
Status ListSubscriptions(Deployer& deployer, Call& call,
                         const v1::ListSubscriptionsRequest& request,
                         v1::ListSubscriptionsResponse& response);
Status UpdateSubscription(Deployer& deployer, Call& call,
                          const v1::UpdateSubscriptionRequest& request,
                          cfg::Subscription& response);
Status DeleteSubscription(Deployer& deployer, Call& call,
                          const v1::DeleteSubscriptionRequest& request,
                          google::protobuf::Empty& response);

// --- subscription_states.cc
Status AcceptSubscription(Deployer& deployer, Call& call,
                          const v1::AcceptSubscriptionRequest& request,
                          cfg::Subscription& response);
Status RejectSubscription(Deployer& deployer, Call& call,
                          const v1::RejectSubscriptionRequest& request,
                          cfg::Subscription& response);
Status PauseSubscription(Deployer& deployer, Call& call,
                         const v1::PauseSubscriptionRequest& request,
                         cfg::Subscription& response);
Status ResumeSubscription(Deployer& deployer, Call& call,
                          const v1::ResumeSubscriptionRequest& request,
                          cfg::Subscription& response);
Status CloseSubscription(Deployer& deployer, Call& call,
                         const v1::CloseSubscriptionRequest& request,
                         cfg::Subscription& response);
Status TransferSubscription(Deployer& deployer, Call& call,
                            const v1::TransferSubscriptionRequest& request,
                            cfg::Subscription& response);

// --- key_operations.cc
Status CreateApiKey(Deployer& deployer, Call& call, const v1::CreateApiKeyRequest& request,
                    v1::ApiKeySecret& response);
Status ListApiKeys(Deployer& deployer, Call& call, const v1::ListApiKeysRequest& request,
                   v1::ListApiKeysResponse& response);
Status RotateApiKey(Deployer& deployer, Call& call, const v1::RotateApiKeyRequest& request,
                    v1::ApiKeySecret& response);
Status RevokeApiKey(Deployer& deployer, Call& call, const v1::RevokeApiKeyRequest& request,
                    cfg::ApiKey& response);
Status UpdateApiKey(Deployer& deployer, Call& call, const v1::UpdateApiKeyRequest& request,
                    cfg::ApiKey& response);

}  // namespace tidegate::admin
