// Asks k6's own code what a schedule and a threshold are, and prints the answers as lines of JSON: the golden file that
// tests/unit/protocol/k6_test.cc compares ours with. Repeat, in tests/k6, with a Go of 1.24 or newer:
//
//	go run ./oracle > golden.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand"
	"os"
	"sort"
	"time"
	_ "unsafe" // for go:linkname

	"go.k6.io/k6/lib"
	"go.k6.io/k6/lib/executor"
	"go.k6.io/k6/lib/types"
	"go.k6.io/k6/metrics"
	"gopkg.in/guregu/null.v3"
)

// When the iterations of a ramping-arrival-rate begin.
//
//go:linkname cal go.k6.io/k6/lib/executor.RampingArrivalRateConfig.cal
func cal(config executor.RampingArrivalRateConfig, et *lib.ExecutionTuple, times chan<- time.Duration)

// How far apart those of a constant-arrival-rate are.
//
//go:linkname getTickerPeriod go.k6.io/k6/lib/executor.getTickerPeriod
func getTickerPeriod(rate *big.Rat) types.NullDuration

type stage struct {
	Ms     int64 `json:"ms"`
	Target int64 `json:"target"`
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func say(fact map[string]any) {
	check(json.NewEncoder(os.Stdout).Encode(fact))
}

func duration(ms int64) types.NullDuration {
	return types.NullDurationFrom(time.Duration(ms) * time.Millisecond)
}

// The share of one of several equal pods.
func share(pod, pods int) *lib.ExecutionTuple {
	text := "0"
	for i := 1; i <= pods; i++ {
		text += fmt.Sprintf(",%d/%d", i, pods)
	}
	sequence, err := lib.NewExecutionSegmentSequenceFromString(text)
	check(err)
	segment, err := lib.NewExecutionSegmentFromString(fmt.Sprintf("%d/%d:%d/%d", pod, pods, pod+1, pods))
	check(err)
	tuple, err := lib.NewExecutionTuple(segment, &sequence)
	check(err)
	return tuple
}

func randomStages(random *rand.Rand, most int, target int64) []stage {
	stages := make([]stage, 1+random.Intn(most))
	for i := range stages {
		if random.Intn(5) > 0 {
			stages[i].Ms = 1 + random.Int63n(20_000)
		}
		if random.Intn(4) > 0 {
			stages[i].Target = random.Int63n(target)
		}
	}
	stages[random.Intn(len(stages))] = stage{1 + random.Int63n(20_000), 1 + random.Int63n(target)}
	return stages
}

func k6Stages(stages []stage) []executor.Stage {
	result := []executor.Stage{}
	for _, s := range stages {
		result = append(result, executor.Stage{Duration: duration(s.Ms), Target: null.IntFrom(s.Target)})
	}
	return result
}

// How many VUs of a pod are planned, and how many it may still have busy, from which nanosecond on.
func sayVUs(start int64, stages []stage, rampDown, stop int64, pods int) bool {
	planned, held := [][][2]int64{}, [][][2]int64{}
	config := executor.NewRampingVUsConfig("golden")
	config.StartVUs = null.IntFrom(start)
	config.Stages = k6Stages(stages)
	for pod := 0; pod < pods; pod++ {
		config.GracefulRampDown, config.GracefulStop = duration(0), duration(0)
		planned = append(planned, steps(config, share(pod, pods)))
		config.GracefulRampDown, config.GracefulStop = duration(rampDown), duration(stop)
		held = append(held, steps(config, share(pod, pods)))
	}
	fact := map[string]any{"kind": "vus", "startVUs": start, "stages": stages, "gracefulRampDown": rampDown,
		"gracefulStop": stop, "planned": planned}
	whole := inOrder(held) && !peaksForNoTime(start, stages)
	if whole {
		fact["held"] = held
	}
	say(fact)
	return whole
}

// Where fewer VUs are soon followed by more, k6 writes steps that go back in time.
func inOrder(pods [][][2]int64) bool {
	for _, steps := range pods {
		if !sort.SliceIsSorted(steps, func(i, j int) bool { return steps[i][0] < steps[j][0] }) {
			return false
		}
	}
	return true
}

// More VUs, and at the same moment fewer or the end: k6 reserves whom it reaches then, who begins nothing.
func peaksForNoTime(start int64, stages []stage) bool {
	from, peak := int64(0), start
	for i := 0; i <= len(stages); i++ {
		end := i == len(stages)
		if peak > from && (end || (stages[i].Ms == 0 && stages[i].Target < peak)) {
			return true
		}
		if !end {
			from, peak = peak, stages[i].Target
		}
	}
	return false
}

func steps(config executor.RampingVUsConfig, tuple *lib.ExecutionTuple) [][2]int64 {
	result := [][2]int64{}
	for _, s := range config.GetExecutionRequirements(tuple) {
		result = append(result, [2]int64{int64(s.TimeOffset), int64(s.PlannedVUs)})
	}
	return result
}

// With a constant rate the first iteration begins at once, with a ramping one when the area under it is 1.
func sayArrivals(rate, unit int64, stages []stage, length, most int64, pods int) {
	all := [][]int64{}
	for pod := 0; pod < pods; pod++ {
		tuple, err := share(pod, pods).GetNewExecutionTupleFromValue(most)
		check(err)
		times := []int64{}
		if stages != nil {
			config := executor.NewRampingArrivalRateConfig("golden")
			config.StartRate, config.TimeUnit = null.IntFrom(rate), duration(unit)
			config.Stages = k6Stages(stages)
			channel := make(chan time.Duration)
			go cal(*config, tuple, channel)
			for at := range channel {
				times = append(times, int64(at))
			}
		} else {
			period := getTickerPeriod(big.NewRat(rate, int64(duration(unit).Duration))).TimeDuration()
			start, offsets, _ := tuple.GetStripedOffsets()
			for i, n := 0, start; period*time.Duration(n) < duration(length).TimeDuration(); i, n = i+1, n+offsets[i%len(offsets)] {
				times = append(times, int64(period)*n)
			}
		}
		all = append(all, times)
	}
	fact := map[string]any{"kind": "arrivals", "rate": rate, "timeUnit": unit, "maxVUs": most, "times": all}
	if stages != nil {
		fact["stages"] = stages
	} else {
		fact["duration"] = length
	}
	say(fact)
}

// How many iterations of so many each pod gets.
func sayShares(vus, iterations int64, pods int) {
	shares := []int64{}
	for pod := 0; pod < pods; pod++ {
		tuple, err := share(pod, pods).GetNewExecutionTupleFromValue(vus)
		check(err)
		shares = append(shares, tuple.ScaleInt64(iterations))
	}
	say(map[string]any{"kind": "shares", "vus": vus, "iterations": iterations, "shares": shares})
}

func sayThreshold(metric, text string) {
	registry := metrics.NewRegistry()
	registry.MustNewMetric("trend", metrics.Trend, metrics.Time)
	registry.MustNewMetric("rate", metrics.Rate)
	registry.MustNewMetric("counter", metrics.Counter)
	thresholds := metrics.NewThresholds([]string{text})
	err := thresholds.Parse()
	if err == nil {
		err = thresholds.Validate(metric, registry)
	}
	say(map[string]any{"kind": "grammar", "of": metric, "text": text, "good": err == nil})
}

func sayDecision(random *rand.Rand) {
	methods := []string{"avg", "min", "max", "med", "p(50)", "p(90)", "p(95)", "p(99)", "p(99.9)", "p(0)", "p(100)"}
	operators := []string{"<", "<=", ">", ">=", "==", "===", "!="}
	samples := make([]int64, 1+random.Intn(40))
	sink := metrics.NewTrendSink()
	for i := range samples {
		samples[i] = random.Int63n(20)
		sink.Add(metrics.Sample{Value: float64(samples[i])})
	}
	text := methods[random.Intn(len(methods))] + operators[random.Intn(len(operators))] + fmt.Sprint(random.Intn(20))
	thresholds := metrics.NewThresholds([]string{text})
	check(thresholds.Parse())
	holds, err := thresholds.Run(sink, time.Second)
	check(err)
	say(map[string]any{"kind": "decision", "text": text, "samplesMs": samples, "holds": holds})
}

func main() {
	random := rand.New(rand.NewSource(20261124))
	for i, whole := 0, 0; whole < 50; i++ {
		if sayVUs(random.Int63n(10), randomStages(random, 6, 25), random.Int63n(10_000), random.Int63n(10_000), 1+i%16) {
			whole++
		}
	}
	for i := 0; i < 32; i++ {
		pods := 1 + i%16
		most := int64(pods) + random.Int63n(20)
		sayArrivals(1+random.Int63n(7), []int64{1000, 700, 60_000}[i%3], nil, 1000+random.Int63n(9000), most, pods)
		sayArrivals(random.Int63n(5), 1000, randomStages(random, 4, 8), 0, most, pods)
		sayShares(most, most+random.Int63n(100), pods)
	}
	for _, text := range texts {
		for _, metric := range []string{"trend", "rate", "counter"} {
			sayThreshold(metric, text)
		}
	}
	for i := 0; i < 300; i++ {
		sayDecision(random)
	}
}

var texts = []string{
	"p(95)<500", "p(99.9)<=1e3", " p(95) < 500 ", "p( 95 )<500", "p(95 )<500", "p(0)>1", "p(100)>1", "p(101)<5", "p(-1)<5",
	"p()<5", "p(x)<5", "p95<5", "p<5", "P(95)<5", "avg<20", "avg <= 20", "Avg<20", "min>0", "max<2000", "med<200", "median<200",
	"rate<0.01", "rate<=0.01", "rate>0", "rate>=1", "rate==0", "rate===0", "rate!=0", "rate=0", "rate<>0", "rate<2%", "rate",
	"rate<", "<0.01", "rate 0.01", "rate<0.1<0.2", "rate>0<1", "rate=<0.1", "rate=>0.1", "rate!==1", "rate====1", "rate<-1",
	"rate<+1", "rate<+-1", "rate<.5", "rate<5.", "rate<.", "rate<1e3", "rate<1E-3", "rate<1e", "rate<1e400", "rate<inf",
	"rate<Infinity", "rate<nan", "rate<0x10", "rate<0x1p-2", "rate<1_000", "rate<1,5", "rate<0 .1", "count>100", "count>=1e2",
	"count", "count<5s", "avg<500ms", "value>1", "sum>1", "", " ", "<", "<=", "p(95)", "p(95))<1", "p((95)<1", "p(95)<(1)",
	"p(95)<1 && p(99)<2", "\tavg\t<\t1\t", "avg<\n1", "p(9_5)<1", "p(1e2)<1", "p(+95)<1", "p(inf)<1", "rate<1.0000000001",
}
