// Homework calls Gradus from Go: problem 1 of the homework, forward, backward, one step of gradient descent, and
// grading. It is a test as well: it ends with exit code 1 if an answer is not what it must be.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // asks each server whether it serves, as the service config wants
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "gradus.example/callers/gradusv1"
)

// The calls have a deadline: without one, a program may wait forever for a server that is not there.
const deadline = 10 * time.Second

func vector(values ...float64) *pb.Tensor {
	return &pb.Tensor{Shape: []int64{int64(len(values))}, Values: values}
}

func matrix(rows, columns int64, values ...float64) *pb.Tensor {
	return &pb.Tensor{Shape: []int64{rows, columns}, Values: values}
}

// Problem 1 of the homework: two inputs, two hidden units and two outputs, all of them sigmoid.
func buildProblem() *pb.Problem {
	dense := func() *pb.Node_Dense { return &pb.Node_Dense{Dense: &pb.Dense{}} }
	sigmoid := func() *pb.Node_Sigmoid { return &pb.Node_Sigmoid{Sigmoid: &pb.Sigmoid{}} }
	loss := &pb.Node_HalfSquaredError{HalfSquaredError: &pb.HalfSquaredError{Reduction: pb.Reduction_REDUCTION_SUM}}
	return &pb.Problem{
		Network: &pb.Network{
			Name:   "2-2-2 sigmoid network, one bias per layer",
			Inputs: []*pb.Input{{Name: "x"}, {Name: "t"}},
			Parameters: []*pb.Parameter{
				// One row per unit: row 0 is w1 w2, the weights into h1; row 1 is w3 w4, the weights into h2.
				{Name: "W1", Value: matrix(2, 2, 0.15, 0.2, 0.25, 0.3)},
				// A list of one number: both units of the layer use it.
				{Name: "b1", Value: vector(0.35)},
				{Name: "W2", Value: matrix(2, 2, 0.4, 0.45, 0.5, 0.55)},
				{Name: "b2", Value: vector(0.6)},
			},
			Nodes: []*pb.Node{
				{Name: "z_h", Inputs: []string{"x", "W1", "b1"}, Op: dense()},
				{Name: "h", Inputs: []string{"z_h"}, Op: sigmoid()},
				{Name: "o", Inputs: []string{"h", "W2", "b2"}, Op: dense()},
				{Name: "yhat", Inputs: []string{"o"}, Op: sigmoid()},
				{Name: "L", Inputs: []string{"yhat", "t"}, Op: loss},
			},
		},
		Inputs: []*pb.NamedTensor{
			{Name: "x", Tensor: vector(0.05, 0.1)},
			{Name: "t", Tensor: vector(0.01, 0.02)},
		},
		Objective: "L",
		Optimizer: &pb.Optimizer{Rule: &pb.Optimizer_Sgd{Sgd: &pb.Sgd{LearningRate: 0.5}}},
	}
}

// What the student is asked, and where the right answers are in the problem.
func buildAssignment() *pb.Assignment {
	item := func(id, quantity string) *pb.Item {
		return &pb.Item{Id: id, Key: &pb.Item_Quantity{Quantity: quantity}}
	}
	return &pb.Assignment{
		Name:     "homework",
		Problems: []*pb.NamedProblem{{Name: "problem_1", Problem: buildProblem()}},
		Items: []*pb.Item{
			item("h1", "h[0]"),
			item("yhat1", "yhat[0]"),
			item("dL/dw5", "grad(W2)[0,0]"),
			item("w5'", "next(W2)[0,0]"),
		},
		Policy: &pb.Policy{FeedbackLevel: pb.FeedbackLevel_FEEDBACK_LEVEL_FIRST_WRONG_STEP},
	}
}

// What a student wrote, as it was written: "0.130" has three decimals.
func buildSubmission(id, h1, yhat1, dw5, w5 string) *pb.Submission {
	answer := func(item, number string) *pb.Answer {
		return &pb.Answer{Item: item, Answer: &pb.Answer_Text{Text: &pb.TextTensor{Values: []string{number}}}}
	}
	return &pb.Submission{
		Id:      id,
		Answers: []*pb.Answer{answer("h1", h1), answer("yhat1", yhat1), answer("dL/dw5", dw5), answer("w5'", w5)},
	}
}

var (
	ada = buildSubmission("ada", "0.593", "0.751", "0.082", "0.359")
	// Forgot h1 in the gradient, and went on with that.
	ben = buildSubmission("ben", "0.593", "0.751", "0.138", "0.331")
)

// Work of some seconds: the gradient of 3600 numbers, checked one by one.
func buildLongWork() *pb.CheckRequest {
	w := matrix(60, 60)
	for i := 0; i < 3600; i++ {
		w.Values = append(w.Values, 0.01*float64(i%7))
	}
	matMul := &pb.Node_MatMul{MatMul: &pb.MatMul{}}
	return &pb.CheckRequest{Problem: &pb.Problem{
		Network: &pb.Network{
			Parameters: []*pb.Parameter{{Name: "w", Value: w}},
			Nodes: []*pb.Node{
				{Name: "a", Inputs: []string{"w", "w"}, Op: matMul},
				{Name: "b", Inputs: []string{"a", "a"}, Op: matMul},
				{Name: "L", Inputs: []string{"b"}, Op: &pb.Node_Sum{Sum: &pb.Sum{}}},
			},
		},
		Objective: "L",
	}}
}

// bearerToken goes with every call, over TLS only.
type bearerToken string

func (token bearerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearerToken) RequireTransportSecurity() bool { return true }

// Over TLS if the file with the roots is named, with the token in GRADUS_TOKEN if there is one.
func connect(server, tlsCA, serviceConfig string) (*grpc.ClientConn, error) {
	config, err := os.ReadFile(serviceConfig)
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithDefaultServiceConfig(string(config)),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	}
	if tlsCA != "" {
		roots, err := credentials.NewClientTLSFromFile(tlsCA, "")
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithTransportCredentials(roots))
		if token := os.Getenv("GRADUS_TOKEN"); token != "" {
			options = append(options, grpc.WithPerRPCCredentials(bearerToken(token)))
		}
	}
	return grpc.NewClient(server, options...)
}

// Grades many submissions of one assignment. The results come in any order, while the submissions are still being sent.
func gradeAll(ctx context.Context, grading pb.GradingServiceClient, assignment *pb.Assignment,
	submissions []*pb.Submission) ([]*pb.SubmissionResult, error) {
	stream, err := grading.GradeStream(ctx)
	if err != nil {
		return nil, err
	}
	go func() {
		// If the stream ends early, Send fails and Recv below says why.
		header := &pb.GradeStreamHeader{Source: &pb.GradeStreamHeader_Assignment{Assignment: assignment}}
		err := stream.Send(&pb.GradeStreamRequest{Item: &pb.GradeStreamRequest_Header{Header: header}})
		for len(submissions) > 0 && err == nil {
			size := 16
			if size > len(submissions) {
				size = len(submissions)
			}
			batch := &pb.SubmissionBatch{Submissions: submissions[:size]}
			err = stream.Send(&pb.GradeStreamRequest{Item: &pb.GradeStreamRequest_Batch{Batch: batch}})
			submissions = submissions[size:]
		}
		stream.CloseSend()
	}()
	var results []*pb.SubmissionResult
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return nil, err
		}
		results = append(results, response.Results...)
	}
}

func round(value float64) string {
	return strconv.FormatFloat(math.Round(value*1e6)/1e6, 'f', -1, 64)
}

func list(texts []string) string { return "[" + strings.Join(texts, ", ") + "]" }

func show(name string, tensor *pb.Tensor) {
	var texts []string
	for _, value := range tensor.Values {
		texts = append(texts, round(value))
	}
	// From the innermost axis outwards, what belongs together goes into one pair of brackets.
	for axis := len(tensor.Shape) - 1; axis >= 0; axis-- {
		var grouped []string
		for length := int(tensor.Shape[axis]); len(texts) > 0; texts = texts[length:] {
			grouped = append(grouped, list(texts[:length]))
		}
		texts = grouped
	}
	fmt.Printf("  %-8s = %s\n", name, texts[0])
}

func showReport(report *pb.GradeReport) {
	wrong := ""
	if report.FirstWrongItem != "" {
		wrong = ", first wrong step " + report.FirstWrongItem
	}
	fmt.Printf("  %s: %g / %g points%s\n", report.SubmissionId, report.EarnedPoints, report.PossiblePoints, wrong)
}

// The tensors of a trace by their addresses: "h", "grad(W1)", "L@1".
func quantities(trace *pb.Trace) map[string]*pb.Tensor {
	tensors := map[string]*pb.Tensor{}
	for _, entry := range trace.Entries {
		tensors[entry.Address] = entry.Tensor
	}
	return tensors
}

// The name of a code as all languages write it: INVALID_ARGUMENT.
func codeName(code codes.Code) string {
	names := map[codes.Code]string{
		codes.OK: "OK", codes.InvalidArgument: "INVALID_ARGUMENT",
		codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.Canceled: "CANCELLED",
	}
	if name, ok := names[code]; ok {
		return name
	}
	return code.String()
}

// Whether an answer was not what it must be.
var failed bool

func near(name string, value, expected float64) {
	holds(math.Abs(value-expected) <= 1e-9*math.Abs(expected), "%s is %v but must be %v", name, value, expected)
}

func holds(condition bool, format string, arguments ...any) {
	if !condition {
		failed = true
		log.Printf(format, arguments...)
	}
}

func doHomework(ctx context.Context, gradus pb.GradientServiceClient) error {
	problem := buildProblem()

	fmt.Println("Forward: the value of every node")
	forward, err := gradus.Forward(ctx, &pb.ForwardRequest{Problem: problem})
	if err != nil {
		return err
	}
	values := quantities(forward.Trace)
	for _, name := range []string{"h", "yhat", "L"} {
		show(name, values[name])
	}
	near("the loss L", values["L"].Values[0], 0.5582617201218214)

	fmt.Println("Backward: the gradient of the loss with respect to every parameter")
	backward, err := gradus.Backward(ctx, &pb.BackwardRequest{Problem: problem})
	if err != nil {
		return err
	}
	gradients := quantities(backward.Trace)
	for _, name := range []string{"grad(W1)", "grad(b1)", "grad(W2)", "grad(b2)"} {
		show(name, gradients[name])
	}
	near("the gradient dL/dw5", gradients["grad(W2)"].Values[0], 0.08216704056423077)

	fmt.Println("Step: the parameters after one update, and the loss that they give")
	// From a large network one asks only for what one needs. L@1 is L after one update.
	step, err := gradus.Step(ctx, &pb.StepRequest{Problem: problem, Trace: &pb.TraceOptions{Only: []string{"L@1"}}})
	if err != nil {
		return err
	}
	for _, parameter := range step.Parameters {
		show(parameter.Name, parameter.Tensor)
	}
	show("L@1", quantities(step.Trace)["L@1"])
	near("the updated weight w5'", step.Parameters[2].Tensor.Values[0], 0.35891647971788465)
	return nil
}

func doGrading(ctx context.Context, grading pb.GradingServiceClient) error {
	assignment := buildAssignment()

	fmt.Println("Grade: one submission")
	// With GradeRequest_AssignmentName as the source, the server takes one of those that it holds.
	request := &pb.GradeRequest{Source: &pb.GradeRequest_Assignment{Assignment: assignment}, Submission: ben}
	response, err := grading.Grade(ctx, request)
	if err != nil {
		return err
	}
	showReport(response.Report)
	holds(response.Report.FirstWrongItem == "dL/dw5", "the first wrong step is %q", response.Report.FirstWrongItem)

	fmt.Println("GradeStream: many of one assignment, in any order")
	results, err := gradeAll(ctx, grading, assignment, []*pb.Submission{ada, ben})
	if err != nil {
		return err
	}
	sort.Slice(results, func(i, j int) bool { return results[i].SubmissionId < results[j].SubmissionId })
	for _, result := range results {
		if report := result.GetReport(); report != nil {
			showReport(report)
		} else {
			fmt.Printf("  %s: %s\n", result.SubmissionId, result.GetError().GetMessage())
		}
	}
	holds(len(results) == 2 && proto.Equal(results[1].GetReport(), response.Report), "Grade and GradeStream differ")
	return nil
}

func makeAMistake(ctx context.Context, gradus pb.GradientServiceClient) {
	fmt.Println("A mistake: W1 has three columns, but x has two numbers")
	problem := buildProblem()
	problem.Network.Parameters[0].Value = matrix(2, 3, 0.15, 0.2, 0.1, 0.25, 0.3, 0.1)
	_, err := gradus.Forward(ctx, &pb.ForwardRequest{Problem: problem})

	// What was wrong, for programs: Gradus sends a google.rpc.Status along with the code and the message.
	refusal := status.Convert(err)
	var reason string
	var violations []*errdetails.BadRequest_FieldViolation
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.Reason
		case *errdetails.BadRequest:
			violations = detail.FieldViolations
		}
	}
	fmt.Printf("  %s, %s\n", codeName(refusal.Code()), reason)
	for _, violation := range violations {
		fmt.Printf("  %s: %s\n", violation.Field, violation.Description)
	}
	holds(refusal.Code() == codes.InvalidArgument, "the code is %s", refusal.Code())
	holds(reason == "SHAPE_MISMATCH", "the reason is %q", reason)
	holds(len(violations) == 1 && violations[0].Field == "network.nodes[0]", "the fields in error are %v", violations)
}

func giveUp(ctx context.Context, gradus pb.GradientServiceClient) {
	fmt.Println("A deadline of 0.1 s, for work of many seconds")
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err := gradus.Check(short, buildLongWork())
	fmt.Printf("  %s\n", codeName(status.Code(err)))
	holds(status.Code(err) == codes.DeadlineExceeded, "the deadline ends with %v", err)

	fmt.Println("A call that is cancelled: the server stops too")
	cancelled, cancel := context.WithCancel(ctx)
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err = gradus.Check(cancelled, buildLongWork())
	fmt.Printf("  %s\n", codeName(status.Code(err)))
	holds(status.Code(err) == codes.Canceled, "the cancelled call ends with %v", err)
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("homework: ")
	server := flag.String("server", "127.0.0.1:50051", "the server, `HOST:PORT`")
	tlsCA := flag.String("tls-ca", "",
		"call over TLS, with the token in GRADUS_TOKEN: the `FILE` of the roots that the server's certificate comes from")
	serviceConfig := flag.String("service-config", "../../client/service_config.json",
		"makes calls that end UNAVAILABLE again, and uses all servers behind a name: the `FILE` that says how")
	flag.Parse()

	connection, err := connect(*server, *tlsCA, *serviceConfig)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	gradus, grading := pb.NewGradientServiceClient(connection), pb.NewGradingServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()

	if err := doHomework(ctx, gradus); err != nil {
		log.Fatal(err)
	}
	if err := doGrading(ctx, grading); err != nil {
		log.Fatal(err)
	}
	makeAMistake(ctx, gradus)
	giveUp(ctx, gradus)
	if failed {
		os.Exit(1)
	}
	fmt.Println("All of it is as it must be.")
}
