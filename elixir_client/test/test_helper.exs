:telemetry.start()
PortWorker.TestWorker.build!()
ExUnit.start(capture_log: true, assert_receive_timeout: 3_000, exclude: [:long])
