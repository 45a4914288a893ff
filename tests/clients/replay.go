// Replay makes the calls that compare.py lists, and writes down what came of each; replay.py says how.
//
// Usage: replay CALLS DIRECTORY SERVER [TLS-CA]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "gradus.example/callers/gradusv1"
)

type call struct {
	Name          string
	Method        string
	Requests      []string
	Token         string
	DeadlineMs    int  `json:"deadline_ms"`
	CancelAfterMs int  `json:"cancel_after_ms"`
	KeepOpen      bool `json:"keep_open"`
}

type result struct {
	Name      string           `json:"name"`
	Code      string           `json:"code"`
	Message   string           `json:"message"`
	Details   []map[string]any `json:"details"`
	Responses int              `json:"responses"`
}

// The names of the codes as the other languages write them.
var codeNames = []string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func newMessage(name protoreflect.FullName) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
	check(err)
	return kind.New().Interface()
}

func decodeDetails(answer *status.Status) []map[string]any {
	details := []map[string]any{}
	if len(answer.Proto().GetDetails()) == 0 {
		return details
	}
	var sent *spb.Status = answer.Proto()
	details = append(details, map[string]any{"type": "google.rpc.Status", "code": sent.Code, "message": sent.Message})
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			metadata := map[string]string{}
			for key, value := range detail.Metadata {
				metadata[key] = value
			}
			details = append(details, map[string]any{"type": "google.rpc.ErrorInfo", "reason": detail.Reason,
				"domain": detail.Domain, "metadata": metadata})
		case *errdetails.BadRequest:
			violations := [][]string{}
			for _, v := range detail.FieldViolations {
				violations = append(violations, []string{v.Field, v.Description})
			}
			details = append(details, map[string]any{"type": "google.rpc.BadRequest", "violations": violations})
		case proto.Message:
			details = append(details, map[string]any{"type": string(proto.MessageName(detail))})
		default:
			log.Fatalf("a detail could not be decoded: %v", detail)
		}
	}
	return details
}

func makeCall(connection *grpc.ClientConn, call call, directory string) result {
	name := strings.Replace(call.Method, "/", ".", 1)
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	check(err)
	method := descriptor.(protoreflect.MethodDescriptor)

	if call.DeadlineMs == 0 {
		call.DeadlineMs = 60000
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(call.DeadlineMs)*time.Millisecond)
	defer cancel()
	if call.Token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+call.Token)
	}
	if call.CancelAfterMs > 0 {
		time.AfterFunc(time.Duration(call.CancelAfterMs)*time.Millisecond, cancel)
	}

	count := 0
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/"+call.Method)
	if err == nil {
		go func() {
			for _, file := range call.Requests {
				bytes, err := os.ReadFile(file)
				check(err)
				request := newMessage(method.Input().FullName())
				check(proto.Unmarshal(bytes, request))
				if stream.SendMsg(request) != nil {
					return // RecvMsg says why.
				}
			}
			if !call.KeepOpen {
				stream.CloseSend()
			}
		}()
		for {
			response := newMessage(method.Output().FullName())
			if err = stream.RecvMsg(response); err != nil {
				break
			}
			bytes, marshalError := proto.MarshalOptions{Deterministic: true}.Marshal(response)
			check(marshalError)
			check(os.WriteFile(filepath.Join(directory, fmt.Sprintf("%s.%d", call.Name, count)), bytes, 0o644))
			count++
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	answer := status.Convert(err)
	return result{call.Name, codeNames[answer.Code()], answer.Message(), decodeDetails(answer), count}
}

func main() {
	log.SetFlags(0)
	transport := insecure.NewCredentials()
	if len(os.Args) > 4 {
		roots, err := credentials.NewClientTLSFromFile(os.Args[4], "")
		check(err)
		transport = roots
	}
	directory := os.Args[2]
	connection, err := grpc.NewClient(os.Args[3], grpc.WithTransportCredentials(transport),
		// Above the server's own limits, so that these decide.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(128<<20), grpc.MaxCallSendMsgSize(128<<20)))
	check(err)

	text, err := os.ReadFile(os.Args[1])
	check(err)
	var calls []call
	check(json.Unmarshal(text, &calls))
	results := []result{}
	for _, call := range calls {
		results = append(results, makeCall(connection, call, directory))
	}
	text, err = json.Marshal(results)
	check(err)
	check(os.WriteFile(filepath.Join(directory, "results.json"), text, 0o644))
}
