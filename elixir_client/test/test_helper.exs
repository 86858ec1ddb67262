:telemetry.start()
PortWorker.TestWorker.build!()

# Temporary files of a run are its own, so that two runs at once do not meet.
tmp = Path.join(System.tmp_dir!(), "portworker-test-#{System.pid()}")
File.mkdir_p!(tmp)
System.put_env("TMPDIR", tmp)
ExUnit.after_suite(fn _result -> File.rm_rf!(tmp) end)

ExUnit.start(capture_log: true, assert_receive_timeout: 3_000, exclude: [:long])
