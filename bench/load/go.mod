module sallyport.bench/load

go 1.26
