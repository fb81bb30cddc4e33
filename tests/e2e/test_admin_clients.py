"""The admin services as a foreign gRPC client meets them: health at a drain, and reflection from
which a client without our protos builds its calls. The client is Debian's python3-grpcio."""

import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import harness
from test_mock import CLOCK

SERVING, NOT_SERVING = 1, 2
SERVICES = {f"tidegate.admin.v1.{name}Service"
            for name in ("Api", "Plan", "Application", "Subscription", "Config", "Runtime")}
FIELD = descriptor_pb2.FieldDescriptorProto


def standard():
    """grpc.health.v1 and grpc.reflection.v1alpha, as far as they are used here."""
    file = descriptor_pb2.FileDescriptorProto(name="standard.proto", package="std",
                                              syntax="proto3")

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for field, number, kind, label, of in fields:
            added.field.add(name=field, number=number, type=kind, label=label, type_name=of)

    one, many = FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED
    text, data, inner = FIELD.TYPE_STRING, FIELD.TYPE_BYTES, FIELD.TYPE_MESSAGE
    message("HealthRequest", ("service", 1, text, one, None))
    message("HealthResponse", ("status", 1, FIELD.TYPE_INT32, one, None))
    message("Request", ("file_by_filename", 3, text, one, None),
            ("file_containing_symbol", 4, text, one, None), ("list_services", 7, text, one, None))
    message("Files", ("file", 1, data, many, None))
    message("Service", ("name", 1, text, one, None))
    message("Services", ("service", 1, inner, many, ".std.Service"))
    message("Failure", ("code", 1, FIELD.TYPE_INT32, one, None), ("text", 2, text, one, None))
    message("Response", ("files", 4, inner, one, ".std.Files"),
            ("services", 6, inner, one, ".std.Services"),
            ("failure", 7, inner, one, ".std.Failure"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"std.{name}"))
            for name in ("HealthRequest", "HealthResponse", "Request", "Response")}


STD = standard()


class Reflection:
    """Asks for descriptors as grpcurl does: a symbol's file, then the files that it imports."""

    def __init__(self, channel):
        self.call = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=STD["Response"].FromString)
        self.pool = descriptor_pool.DescriptorPool()
        self.known = set()

    def ask(self, **question):
        answer = next(iter(self.call(iter([STD["Request"](**question)]), timeout=harness.DEADLINE)))
        if answer.HasField("failure"):
            raise KeyError(answer.failure.text)
        return answer

    def services(self):
        return {service.name for service in self.ask(list_services="*").services.service}

    def add(self, **question):
        for data in self.ask(**question).files.file:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name in self.known:
                continue
            self.known.add(file.name)
            for name in file.dependency:
                if name not in self.known:
                    self.add(file_by_filename=name)
            self.pool.Add(file)

    def method(self, channel, service, name):
        self.add(file_containing_symbol=service)
        method = self.pool.FindServiceByName(service).methods_by_name[name]
        factory = message_factory.MessageFactory(self.pool)
        request = factory.GetPrototype(method.input_type)
        return request, channel.unary_unary(
            f"/{service}/{name}", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=factory.GetPrototype(method.output_type).FromString)


class AdminClientsTest(unittest.TestCase):
    def start(self):
        gateway = harness.Gateway({"clock.yaml": CLOCK})
        self.addCleanup(gateway.__exit__)
        gateway.start()
        channel = grpc.insecure_channel(f"unix:{gateway.socket}")
        self.addCleanup(channel.close)
        return gateway, channel

    @staticmethod
    def health(channel, method):
        make = channel.unary_stream if method == "Watch" else channel.unary_unary
        return make(f"/grpc.health.v1.Health/{method}",
                    request_serializer=lambda message: message.SerializeToString(),
                    response_deserializer=STD["HealthResponse"].FromString)

    def test_health_follows_a_drain_and_its_end(self):
        gateway, channel = self.start()
        check = self.health(channel, "Check")

        def status(service=""):
            return check(STD["HealthRequest"](service=service), timeout=harness.DEADLINE).status

        self.assertEqual(status(), SERVING)
        self.assertEqual(status("tidegate.admin.v1.ApiService"), SERVING)
        with self.assertRaises(grpc.RpcError) as unknown:
            status("nobody")
        self.assertEqual(unknown.exception.code(), grpc.StatusCode.NOT_FOUND)
        watch = self.health(channel, "Watch")(STD["HealthRequest"](), timeout=60)
        seen = iter(watch)
        self.assertEqual(next(seen).status, SERVING)
        gateway.ctl("drain", "--no-wait")
        self.assertEqual(next(seen).status, NOT_SERVING)
        self.assertEqual(status(), NOT_SERVING)
        gateway.ctl("drain", "--cancel")
        self.assertEqual(next(seen).status, SERVING)
        # SIGTERM says it as well, before the listener goes.
        with gateway.sse("/clock") as stream:
            stream.messages(1)
            gateway.process.terminate()
            self.assertEqual(next(seen).status, NOT_SERVING)
        watch.cancel()
        self.assertEqual(gateway.process.wait(harness.DEADLINE), 0)

    def test_a_client_without_our_protos_can_call(self):
        gateway, channel = self.start()
        reflection = Reflection(channel)
        self.assertLessEqual(SERVICES | {"grpc.health.v1.Health"}, reflection.services())
        request, get = reflection.method(channel, "tidegate.admin.v1.RuntimeService",
                                         "GetServerInfo")
        info = get(request(), timeout=harness.DEADLINE)
        self.assertEqual(info.pid, gateway.process.pid)
        # The whole vocabulary comes with it: every service's methods, with all they import.
        for service in SERVICES:
            reflection.add(file_containing_symbol=service)
            self.assertGreater(len(reflection.pool.FindServiceByName(service).methods), 1)
        request, create = reflection.method(channel, "tidegate.admin.v1.ApplicationService",
                                            "CreateApplication")
        message = request(application_id="storefront")
        message.application.display_name = "Storefront"
        self.assertEqual(create(message, timeout=harness.DEADLINE).name, "applications/storefront")
        self.assertIn("Storefront", gateway.ctl("get", "applications").stdout)
        with self.assertRaises(grpc.RpcError) as twice:
            create(message, timeout=harness.DEADLINE)
        self.assertEqual(twice.exception.code(), grpc.StatusCode.ALREADY_EXISTS)
        with self.assertRaises(KeyError):
            reflection.add(file_containing_symbol="tidegate.admin.v1.Nobody")


if __name__ == "__main__":
    unittest.main()
