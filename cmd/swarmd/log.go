package main

import (
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// logger writes JSON lines, or lines for people on a terminal. No secret that this process knows gets through.
func (a *cli) logger(level zapcore.Level) *zap.Logger {
	if isTerminal(a.err) {
		return zap.New(a.consoleCore(level))
	}
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(cfg), zapcore.Lock(zapcore.AddSync(a.Secrets.Writer(a.err))), level))
}

// consoleCore writes lines for people, in which nothing speaks to the terminal.
func (a *cli) consoleCore(level zapcore.Level) zapcore.Core {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	cfg.EncodeLevel = zapcore.CapitalLevelEncoder
	out := plainWriter{a.Secrets.Writer(a.err)}
	return zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), zapcore.Lock(zapcore.AddSync(out)), level)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
